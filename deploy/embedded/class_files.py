"""Names that java.lang.classfile (JEP 484) wants, for the classes that are changed or made as the JVM starts."""

from typing import Any

import jpype


def described(name: str) -> Any:
    """The class of that name."""
    return jpype.JClass("java.lang.constant.ClassDesc").of(name)


def method_type(descriptor: str) -> Any:
    """What a method takes and gives, as in a class file: `(I)Z`."""
    return jpype.JClass("java.lang.constant.MethodTypeDesc").ofDescriptor(descriptor)


def parsed(neighbour: Any, file: str) -> Any:
    """The elements of the class in that file, which lies beside the neighbour's; it is not loaded."""
    content = neighbour.getResourceAsStream(file).readAllBytes()
    return jpype.JClass("java.lang.classfile.ClassFile").of().parse(content)
