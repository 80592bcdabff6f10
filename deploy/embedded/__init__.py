"""The embedded stack: Kafka, a document store and an object store on one machine with nothing but Python.

Jars come from Maven Central, the JRE and the object store from wheels. Everything listens on loopback only, keeps its
data and logs under one folder (DATA), and ends with the process that started it, however that one ends.
"""
