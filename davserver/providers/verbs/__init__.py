"""One file per WebDAV verb: from the request to operations on the tree, and to the answer."""
