"""davserver beside its peers: the same machine, the same files, the same requests, in turn.

``./run bench`` measures and writes the tables; see :mod:`bench.__main__`. The peers are in
``bench/peers``, what is asked of all of them in ``bench/workloads.py``.
"""
