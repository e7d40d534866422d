"""Single sign-on: people who log in through an OpenID Connect provider."""
