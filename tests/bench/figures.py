"""Figures made readable: medians, ratios with their spread, one table."""
from statistics import median


def ratios(ours, theirs):
    """Ours to theirs, round by round: the middle and the ends."""
    pairs = [a / b for a, b in zip(ours, theirs) if b]
    return (median(pairs), min(pairs), max(pairs)) if pairs else None


def spread(triple):
    return f'{triple[0]:.2f} [{triple[1]:.2f}–{triple[2]:.2f}]' if triple else '–'


def micros(value):
    """µs, with thousands apart."""
    return '–' if value is None else f'{value:,.0f}' if abs(value) >= 100 else f'{value:.1f}'


def megabytes(value):
    return '–' if value is None else f'{value / 1e6:.1f}'


def table(head, rows):
    """A Markdown table whose columns also line up for people who read it as it is."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    show = lambda line: '| ' + ' | '.join(text.ljust(width) if column == 0 else text.rjust(width) for column, (text, width) in enumerate(zip(line, widths))) + ' |'
    rule = '|' + '|'.join('-' * (width + 2) if column == 0 else '-' * (width + 1) + ':' for column, width in enumerate(widths)) + '|'
    return '\n'.join([show(head), rule, *map(show, rows)])
