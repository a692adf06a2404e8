"""The widgets of the screens. A widget never imports a screen."""
