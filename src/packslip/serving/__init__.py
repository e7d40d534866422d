"""How gunicorn serves: with clients that stall, and when it is to end."""
