"""Outside intelligence behind one face each: speech and language; a real offline one beside each."""
