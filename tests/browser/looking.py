"""Opening a page as a person does, and noticing what they would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page

PHONE = (390, 844)
SMALLEST = (360, 640)
DESK = (1280, 800)

_CONTRAST = """
() => {
  const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const parse = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith('color(') ? numbers.map((n, i) => (i < 3 ? n * 255 : n)) : numbers;
  };
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const box = element.getBoundingClientRect();
    if (!own || box.width < 2 || box.height < 2 || element.closest('[aria-hidden=true]')) continue;
    if (!element.checkVisibility()) continue;
    const [one, other] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const words = element.textContent.trim().slice(0, 40);
    found.push([ratio, `${element.tagName}.${element.className}: ${words}`]);
  }
  return found;
}
"""


@dataclass
class Look:
    """A page that is open, and what went wrong in it or left the site."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        """Open a path of the site and wait until everything is loaded."""
        await self.page.goto(f"{self.origin}{path}", wait_until="load")

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        width: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return width

    async def faint_texts(self) -> list[str]:
        """Return the texts whose contrast is below 4.5 to 1 (WCAG 2.2, 1.4.3)."""
        found: list[tuple[float, str]] = await self.page.evaluate(_CONTRAST)
        assert found, "a page without any text"
        return [f"{ratio:.2f} {what}" for ratio, what in found if ratio < 4.5]

    async def background(self) -> tuple[int, ...]:
        """Return red, green and blue of the page's background."""
        colour: str = await self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return tuple(int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])


@asynccontextmanager
async def looking(
    browser: Browser,
    origin: str,
    *,
    size: tuple[int, int] = DESK,
    scheme: Literal["light", "dark"] = "light",
    script: bool = True,
) -> AsyncIterator[Look]:
    """Open an empty page in a window of this size that writes down what goes wrong."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, java_script_enabled=script
    )
    page = await context.new_page()
    look = Look(page, origin)
    page.on("console", lambda message: look.complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: look.complaints.append(str(error)))
    page.on("request", lambda request: _note_stranger(look, request.url))
    try:
        yield look
    finally:
        await context.close()


def _note_stranger(look: Look, url: str) -> None:
    if urlsplit(url).scheme != "data" and not url.startswith(f"{look.origin}/"):
        look.elsewhere.append(url)
