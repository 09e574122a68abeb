"""Marks of the charts (elements, bars, lines, a radar) as HTML and SVG strings.

Notable: without a plotting library the page stays sharp, follows light and dark mode through the colours of `style.css`
(Okabe & Ito 2008, which colour-blind readers can distinguish), and has words beside every mark. Nothing is shown by
colour alone: lines differ in dashes and markers, parts in hatching. Templates would not help either: points are
computed one by one, and the tables of a reading contain bars and badges, which are markup.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

# Maximum count of numbers under a line chart; with more points, some have no number.
_MOST_TICKS = 20
_DASHES = ("none", "7 3", "2 3", "9 3 2 3")


class Line(NamedTuple):
    """One line of a chart.

    Attributes:
        name: Its name in the legend.
        values: In 0..1, at equal distances.
    """

    name: str
    values: Sequence[float]


class Spoke(NamedTuple):
    """One axis of a radar.

    Attributes:
        name: Its name.
        label: Its value in words.
        share: The value in 0..1, from the centre to the rim; None when it is withheld.
        spread: Standard deviation of the share.
        marked: Whether the name and the label are drawn like those of a withheld value.
    """

    name: str
    label: str
    share: float | None
    spread: float = 0.0
    marked: bool = False


def element(tag: str, *children: str, **attributes: object) -> str:
    """Return an element.

    Args:
        tag: Name of the element.
        *children: Markup, in which text is already escaped.
        **attributes: Attributes, which are escaped here; ``class_`` is ``class``, and other underscores are hyphens.

    Returns:
        Markup.
    """
    pairs = (f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items())
    return f"<{tag}{''.join(pairs)}>{''.join(children)}</{tag}>"


def bar(value: float, low: float = 0.0, high: float = 1.0, tick: float | None = None, kind: str = "") -> str:
    """Return a horizontal bar from 0 (or ``low``, where that is above 0) to ``value``.

    Args:
        value: What is drawn; cut to the range.
        low: Start of the range.
        high: End of the range.
        tick: A threshold to mark; None for none.
        kind: CSS classes of the filled part.

    Returns:
        Markup, hidden from screen readers: the value is beside it in words.
    """

    def place(number: float) -> float:
        return 100 * (min(max(number, low), high) - low) / (high - low)

    start, end = sorted((place(max(low, 0.0)), place(value)))
    parts = [element("span", class_=f"fill {kind}".strip(), style=f"left:{start:.1f}%;width:{end - start:.1f}%")]
    if low < 0:
        parts.append(element("span", class_="zero", style=f"left:{place(0):.1f}%"))
    if tick is not None:
        parts.append(element("span", class_="tick", style=f"left:{place(tick):.1f}%"))
    return element("span", *parts, class_="track", aria_hidden="true")


def axis(*labels: str) -> str:
    """Return the labels of the scale of a bar, at equal distances."""
    return element("span", *(element("span", escape(label)) for label in labels), class_="axis", aria_hidden="true")


def marker(index: int, x: float, y: float, size: float = 4.0) -> str:
    """Return the marker of a line.

    Args:
        index: Number of the line: circle, square, triangle, diamond, and then the same again.
        x: Horizontal centre.
        y: Vertical centre.
        size: Half its width, in units of the picture.

    Returns:
        Markup.
    """
    if index % 4 == 0:
        return element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=size, class_="dot")
    shapes = (
        ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        ((0, -1.2), (1.2, 0.9), (-1.2, 0.9)),
        ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    )
    points = (f"{x + size * dx:.1f},{y + size * dy:.1f}" for dx, dy in shapes[index % 4 - 1])
    return element("polygon", points=" ".join(points), class_="dot")


def picture(width: int, height: int, described: str, *children: str) -> str:
    """Return an SVG that screen readers present as one picture.

    Args:
        width: Width of the picture, in its own units.
        height: Height of the picture.
        described: What it shows, in words.
        *children: Markup.

    Returns:
        Markup.
    """
    return element(
        "svg",
        element("title", escape(described)),
        *children,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=described,
        style=f"max-width:{round(width * 1.5)}px",
    )


def _text(x: float, y: float, content: str, anchor: str = "middle", class_: str = "") -> str:
    options = {"class_": class_} if class_ else {}
    return element("text", escape(content), x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, **options)


def line_chart(lines: Sequence[Line], x_title: str, y_title: str, described: str) -> str:
    """Draw lines over 1, 2, ... on the x axis, with a y axis from 0 to 100 % and a legend.

    Args:
        lines: At least one, all of the same length.
        x_title: Title of the x axis.
        y_title: Title of the y axis.
        described: What the chart shows, in words.

    Returns:
        Markup.
    """
    width, height, left, right, top, bottom = 480, 250, 46, 14, 26, 44
    count = len(lines[0].values)
    inner, tall = width - left - right, height - top - bottom

    def x(index: int) -> float:
        return left + inner * (index / (count - 1) if count > 1 else 0.5)

    def y(value: float) -> float:
        return top + tall * (1 - value)

    parts = [_text(left - 38, 14, y_title, "start", "unit")]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        ends = {"x1": left, "x2": width - right, "y1": f"{y(tick):.1f}", "y2": f"{y(tick):.1f}"}
        parts += [element("line", class_="grid", **ends), _text(left - 8, y(tick) + 4, f"{100 * tick:.0f}", "end")]
    step = -(-count // _MOST_TICKS)
    parts += [_text(x(index), height - bottom + 20, str(index + 1)) for index in range(0, count, step)]
    parts.append(_text(left + inner / 2, height - 6, x_title, class_="unit"))
    for number, line in enumerate(lines):
        places = [(x(index), y(value)) for index, value in enumerate(line.values)]
        path = element(
            "polyline",
            points=" ".join(f"{a:.1f},{b:.1f}" for a, b in places),
            class_="line",
            stroke_dasharray=_DASHES[number % len(_DASHES)],
        )
        parts.append(element("g", path, *(marker(number, a, b) for a, b in places), class_=f"s{number}"))
    return picture(width, height, described, *parts) + _legend([line.name for line in lines])


def _legend(names: Sequence[str]) -> str:
    items = []
    for number, name in enumerate(names):
        stroke = element(
            "line", x1=1, x2=33, y1=7, y2=7, class_="line", stroke_dasharray=_DASHES[number % len(_DASHES)]
        )
        sample = element(
            "svg",
            element("g", stroke, marker(number, 17, 7), class_=f"s{number}"),
            viewBox="0 0 34 14",
            class_="sample",
            aria_hidden="true",
        )
        items.append(element("li", sample, escape(name)))
    return element("ul", *items, class_="legend")


def radar(spokes: Sequence[Spoke], described: str) -> str:
    """Draw a radar.

    Args:
        spokes: Its axes, clockwise from the top. One without a share is dashed; neighbours that have one are joined,
            to a surface when all have one.
        described: What the radar shows, in words.

    Returns:
        Markup.
    """
    width, height, reach = 400, 330, 98
    middle = (width / 2, height / 2)

    def place(index: int, share: float) -> tuple[float, float]:
        angle = 2 * math.pi * index / len(spokes) - math.pi / 2
        return middle[0] + reach * share * math.cos(angle), middle[1] + reach * share * math.sin(angle)

    def stroke(start: tuple[float, float], end: tuple[float, float], class_: str) -> str:
        (x1, y1), (x2, y2) = start, end
        return element("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=class_)

    parts = [
        element("circle", cx=middle[0], cy=middle[1], r=reach * ring, class_="grid") for ring in (0.25, 0.5, 0.75, 1.0)
    ]
    shares = [(index, spoke.share) for index, spoke in enumerate(spokes) if spoke.share is not None]
    places = {index: place(index, share) for index, share in shares}
    for index, spoke in enumerate(spokes):
        absent = spoke.share is None
        parts.append(stroke(middle, place(index, 1.0), "spoke absent" if absent else "spoke"))
        x, y = place(index, 1.13)
        anchor = "middle" if abs(x - middle[0]) < 20 else "start" if x > middle[0] else "end"
        y += 14 if y > middle[1] + reach else -10 if y < middle[1] - reach else 0
        kind = "absent" if absent or spoke.marked else ""
        parts += [_text(x, y, spoke.name, anchor, f"name {kind}".strip()), _text(x, y + 14, spoke.label, anchor, kind)]
    if len(places) == len(spokes):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places.values())
        parts.append(element("polygon", points=points, class_="surface"))
    else:
        following = ((index, (index + 1) % len(spokes)) for index in places)
        parts += [stroke(places[index], places[other], "line") for index, other in following if other in places]
    for index, share in shares:
        low, high = max(0.0, share - spokes[index].spread), min(1.0, share + spokes[index].spread)
        parts += [stroke(place(index, low), place(index, high), "spread"), marker(0, *places[index], size=5)]
    return picture(width, height, described, element("g", *parts, class_="s0"))


__all__ = ["Line", "Spoke", "axis", "bar", "element", "line_chart", "marker", "picture", "radar"]
