"""The operations on the tree: the only code that changes it, whatever the door.

Each operation runs in one transaction (:class:`davserver.work.Work`), asks the gate about the
acts that :mod:`davserver.tree.verbs` lists, changes rows and writes its journal line.
"""
