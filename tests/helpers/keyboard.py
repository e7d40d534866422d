"""Walking through a page with the Tab key alone."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

#: More stops than any page has.
MOST_STOPS = 400

#: Stops within a field for a date and a time: its parts, and the button that opens a calendar.
MOST_PARTS = 8

_STOP = """
() => {
  const element = document.activeElement;
  if (element === null || element === document.body) return null;
  const known = (window.packslipStops ??= []);
  const isNew = !known.includes(element);
  // The parts of a date are stops of their own within one field.
  const isPart = known.at(-1) === element
    && ["date", "datetime-local", "time"].includes(element.type);
  if (isNew) known.push(element);
  const style = getComputedStyle(element);
  const boxes = [...element.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
  const box = boxes[0];
  const inView = box && box.bottom > 0 && box.top < innerHeight
    && box.right > 0 && box.left < innerWidth;
  const point = inView && document.elementFromPoint(
    Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1),
    Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 1),
  );
  const label = element.getAttribute("aria-label") ?? element.textContent.trim();
  return {
    what: `${element.tagName.toLowerCase()} ${element.name ?? ""} ${label.slice(0, 40)}`,
    isNew,
    isPart,
    isInView: Boolean(inView),
    isCovered: Boolean(point) && !element.contains(point) && !point.contains(element)
      && !(element.labels && [...element.labels].some((one) => one.contains(point))),
    hasMark: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1)
      || style.boxShadow !== "none",
  };
}
"""

#: What is too small to be hit (WCAG 2.2, 2.5.8): less than 24 pixels and not within a sentence.
_SMALL = """
() => [...document.querySelectorAll("button, input, select, summary, nav a, .tabs a, .button")]
  .filter((one) => one.checkVisibility() && one.type !== "hidden")
  .filter((one) => !one.closest(".unseen, .skip") && !one.matches(".unseen, .skip"))
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => box.width > 0 && Math.min(box.width, box.height) < 24)
  .filter(([one]) => !["checkbox", "radio"].includes(one.type))
  .map(([one, box]) => [one.tagName, one.textContent.trim().slice(0, 30), box.width, box.height])
"""


def keyboard_faults(page: Page) -> list[str]:
    """What somebody without a mouse would stumble over on the page.

    Every stop is in view, marked (WCAG 2.4.7) and not covered by anything (2.4.11), nothing holds
    the focus (2.1.2), and the way ends where it began.
    """
    found = []
    stops: list[dict[str, Any]] = []
    parts = 0
    # Smooth scrolling would still be under way.
    page.emulate_media(reduced_motion="reduce")
    page.evaluate("() => { document.activeElement?.blur(); window.packslipStops = []; }")
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP)
        if stop is not None and stop["isPart"]:
            parts += 1
            if parts <= MOST_PARTS:
                continue
        if stop is None or not stop["isNew"]:
            break
        parts = 0
        stops.append(stop)
    else:
        found.append(f"{page.url}: more than {MOST_STOPS} stops")
    for stop in stops:
        for fault, is_there in (
            ("out of view", not stop["isInView"]),
            ("covered", stop["isCovered"]),
            ("without a mark", not stop["hasMark"]),
        ):
            if is_there:
                found.append(f"{page.url}: {stop['what']}: {fault}")
    can_focus = page.evaluate(
        "() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]"
        ".filter((one) => one.checkVisibility() && !one.disabled && one.type !== 'hidden'"
        " && one.tabIndex >= 0 && !(one.type === 'radio' && !one.checked)"
        " && !window.packslipStops.includes(one)).map((one) => one.outerHTML.slice(0, 80))"
    )
    found += [f"{page.url}: never reached: {one}" for one in can_focus]
    return found


def small_targets(page: Page) -> list[str]:
    """Buttons, fields and links in rows that are too small to be hit."""
    return [f"{page.url}: too small: {one}" for one in page.evaluate(_SMALL)]
