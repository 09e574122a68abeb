"""On several machines: what the engines need beside `redheart.batch.Reader` and the server.

Notable: Ray Data and `datasets` take the reader as it is.
"""
