"""Broken recordings by the thousand, through the product's own decoding children. Run: python -m bench.fuzz"""
