"""The two themes of labelloop, and colours for labels that every theme has."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="labelloop-dark",
    primary="#7aa2f7",
    secondary="#9d7cd8",
    accent="#e0af68",
    foreground="#d5daf0",
    background="#14161f",
    surface="#1a1d29",
    panel="#222636",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    dark=True,
    variables={
        "block-cursor-background": "#7aa2f7",
        "block-cursor-foreground": "#14161f",
        "footer-key-foreground": "#e0af68",
        "border": "#3b4261",
        "border-blurred": "#2a2f45",
        "label-green": "#9ece6a",
        "label-red": "#f7768e",
        "label-blue": "#7aa2f7",
        "label-orange": "#ff9e64",
        "label-purple": "#bb9af7",
        "label-cyan": "#7dcfff",
        "label-magenta": "#ff79c6",
        "label-yellow": "#e0af68",
        "label-grey": "#a0a8c8",
        "faint": "#7c84a8",
    },
)

LIGHT = Theme(
    name="labelloop-light",
    primary="#2f5fc4",
    secondary="#7240b8",
    accent="#9a5b00",
    foreground="#22263a",
    background="#fafaf7",
    surface="#f1f1ec",
    panel="#e6e6df",
    success="#3b7a1e",
    warning="#9a5b00",
    error="#b3243f",
    dark=False,
    variables={
        "block-cursor-background": "#2f5fc4",
        "block-cursor-foreground": "#fafaf7",
        "footer-key-foreground": "#9a5b00",
        "border": "#b9b9ae",
        "border-blurred": "#d4d4ca",
        "label-green": "#3b7a1e",
        "label-red": "#b3243f",
        "label-blue": "#2f5fc4",
        "label-orange": "#b5500a",
        "label-purple": "#7240b8",
        "label-cyan": "#0b7285",
        "label-magenta": "#a8327f",
        "label-yellow": "#8a6500",
        "label-grey": "#5b6078",
        "faint": "#6d7187",
    },
)

THEMES = (DARK, LIGHT)

FALLBACK = {
    "label-green": "ansi_bright_green",
    "label-red": "ansi_bright_red",
    "label-blue": "ansi_bright_blue",
    "label-orange": "orange",
    "label-purple": "mediumpurple",
    "label-cyan": "ansi_bright_cyan",
    "label-magenta": "ansi_bright_magenta",
    "label-yellow": "ansi_bright_yellow",
    "label-grey": "grey",
    "faint": "grey",
}
"""Label colours for themes that are not ours."""
