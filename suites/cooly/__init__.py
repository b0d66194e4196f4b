"""Cooly: image generation paid with credits."""
