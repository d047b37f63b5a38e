"""Checkpoints: loocbench's own format, finding the one that a command means, and importing foreign ones.

``locate.load`` is the entry point: reference -> :class:`~loocbench.checkpoints.native.Checkpoint`. ``native`` is the
file format, ``foreign/`` imports files of other libraries, ``remote`` and ``hub`` fetch models of libraries and hubs,
``untrained`` builds baselines, ``networks`` builds the network of a card, ``trust`` guards a user's own code.
"""
