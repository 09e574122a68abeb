"""The page of `redheart demo`: a reading as charts, in English and Korean.

Notable: only `page.py` and `app.py` import Gradio; all drawing is done by pure functions from a reading to HTML.
"""
