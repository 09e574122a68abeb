"""The page of `redheart demo`: a reading as charts, in English and Korean.

Notable: only `page.py` and `app.py` import Gradio; everything that is drawn is a pure function from a reading to HTML.
"""
