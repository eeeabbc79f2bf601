"""Files of recorded prices as the field writes them: found, recognised, parsed, aligned.

``sources`` says which files are meant, ``tables`` gets rows and columns out of one, ``formats`` and
``pools`` tell what the columns are, ``times``, ``numbers`` and ``symbols`` parse them, ``table``
holds a file so read; ``series`` makes bars of one symbol, ``outliers`` finds misprints,
``alignment`` puts bars of unlike length beside each other, ``window`` holds what was asked for
against what there is. Everybody reads through :mod:`simulator.market.history_file`.
"""
