"""The engine of Eventyard: everything that no single service owns. It knows no service by name."""

__version__ = "0.1.0"
