"""How the document server's unique indexes compare their keys: value by value.

Out of the box mongo-java-server's KeyValue cannot be compared, and H2 orders what cannot be compared by its bytes: it
serializes both keys with Java at each of the dozen comparisons of a lookup. That was a third of the server's processor
time and half of its garbage. Here KeyValue becomes Comparable as its class is loaded (java.lang.classfile, JEP 484):

    public int compareTo(Object other) {
        return Arrays.compare(values.toArray(), ((KeyValue) other).values.toArray(), ValueComparator.asc…());
    }

A file remembers the order that its indexes are in (MVStore's store version); those of an older file are laid anew.
"""

from typing import Any

import jpype

from deploy.embedded.class_files import described, method_type, parsed

_PACKAGE = "de.bwaldvogel.mongo.backend"
_BY_BYTES, _BY_VALUE = 0, 1


def compare_keys_by_value() -> None:
    """Defines the comparable KeyValue. Call it once, when the JVM runs and before anything of the server is used."""
    neighbour = jpype.JClass(f"{_PACKAGE}.ValueComparator").class_
    handles = jpype.JClass("java.lang.invoke.MethodHandles")
    handles.privateLookupIn(neighbour, handles.lookup()).defineClass(_comparable(neighbour))


def lay_indexes_anew(mvstore: Any) -> None:
    """Puts the indexes of a file that an older version of this program wrote into today's order. Blocks."""
    if mvstore.getStoreVersion() == _BY_BYTES:
        key_value = jpype.JClass(f"{_PACKAGE}.KeyValue")
        for name in mvstore.getMapNames():
            index = mvstore.openMap(name)
            if isinstance(index.firstKey(), key_value):
                entries = list(index.entrySet())
                index.clear()
                for entry in entries:
                    index.put(entry.getKey(), entry.getValue())
        mvstore.setStoreVersion(_BY_VALUE)
        mvstore.commit()


def _comparable(neighbour: Any) -> Any:
    """The bytes of KeyValue's class, with its one more interface and method."""
    class_file = jpype.JClass("java.lang.classfile.ClassFile")
    interfaces = jpype.JClass("java.lang.classfile.Interfaces")
    key_value, values = described(f"{_PACKAGE}.KeyValue"), described("java.util.List")
    comparator, arrays = described(f"{_PACKAGE}.ValueComparator"), described("java.util.Arrays")

    def compare_to(code: Any) -> None:
        for place in (0, 1):
            code.aload(place).checkcast(key_value).getfield(key_value, "values", values)
            code.invokeinterface(values, "toArray", method_type("()[Ljava/lang/Object;"))
        code.invokestatic(comparator, "ascWithoutListHandling", method_type(f"(){comparator.descriptorString()}"))
        compare = method_type("([Ljava/lang/Object;[Ljava/lang/Object;Ljava/util/Comparator;)I")
        code.invokestatic(arrays, "compare", compare).ireturn()

    def build(builder: Any) -> None:
        for element in found:
            if isinstance(element, interfaces):
                named = [interface.asSymbol() for interface in element.interfaces()]
                builder.withInterfaceSymbols([*named, described("java.lang.Comparable")])
            else:
                builder.with_(element)
        builder.withMethodBody("compareTo", method_type("(Ljava/lang/Object;)I"), class_file.ACC_PUBLIC, compare_to)

    found = parsed(neighbour, "KeyValue.class")
    return class_file.of().build(key_value, build)
