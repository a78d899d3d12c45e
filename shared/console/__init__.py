"""The console: pages for people, made of the answers of the JSON routes.

To add pages, write ``pages/<resource>.py`` with ``routes(console, rule)`` and a template beside the
others, add ``*<resource>.routes(…)`` to shared/bootstrap/dashboard.py, and list the address in
tests/e2e/console/pages.py and the route in tests/unit/web/test_every_route.py. A page only reads:
what changes something is a button (``ui.action`` in templates/components.html) that calls a JSON
route.
"""
