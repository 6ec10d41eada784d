"""Inspecting contents: the antivirus, and what it said of which bytes."""
