"""How the document server's values lie in its file: as BSON, where BSON says exactly what they are.

Out of the box H2 writes mongo-java-server's documents and index keys by Java serialization, which names every class in
every value, and each commit writes whole pages of them: a fifth of the server's processor time, twice the file. Here a
class of our own (java.lang.classfile, JEP 484) stands between H2's type for objects and Java serialization:

    static byte[] toBytes(Object value)  a Document or a KeyValue: one byte, its BSON type (3, or 4 for a key's values),
        then the BSON of the server's own wire encoder; everything else, and what BSON would change: Java serialization
    static Object toValue(byte[] bytes)  what it was; Java serialization begins with 0xAC, so that each value says how
        it was written, and a file of an older version is read as it is
    static boolean isExact(Object value) whether BSON gives the same value back: not times finer than a millisecond,
        collections other than lists, names with a NUL, regular expressions, values that are missing. Text is what
        clients can send: UTF-8

A value is ordered as before: H2 compares what is not Comparable by its Java serialization, which is left alone.
"""

from collections.abc import Callable
from typing import Any

import jpype

from deploy.embedded.class_files import described, method_type, parsed

_PACKAGE = "org.h2.mvstore.type"
_OURS = f"{_PACKAGE}.StoredValue"
_SERVER_DOCUMENT, _SERVER_KEY = "de.bwaldvogel.mongo.bson.Document", "de.bwaldvogel.mongo.backend.KeyValue"
_WIRE, _NETTY, _BUFFER = "de.bwaldvogel.mongo.wire.bson", "io.netty.buffer", "Lio/netty/buffer/ByteBuf;"
_RUNTIME_ERROR = "java.lang.RuntimeException"
_INEXACT = (
    *("java.util.Map", "java.util.Collection", "de.bwaldvogel.mongo.backend.Missing"),
    "de.bwaldvogel.mongo.bson.BsonRegularExpression",
)
_DOCUMENT, _ARRAY = 3, 4
_LONGEST = 16 * 1024 * 1024
"""What the wire decoder reads; a document that has grown beyond it is left to Java serialization."""
_USUAL_BYTES = 1024


def write_values_as_bson() -> None:
    """Defines the class, and lets H2 use it. Call it once, when the JVM runs and before anything of H2 is used."""
    neighbour = jpype.JClass(f"{_PACKAGE}.DataType").class_
    handles = jpype.JClass("java.lang.invoke.MethodHandles")
    lookup = handles.privateLookupIn(neighbour, handles.lookup())
    for definition in (_stored_value(), _object_type(neighbour)):
        lookup.defineClass(definition)


def _bytes_to_value() -> Any:
    return method_type("([B)Ljava/lang/Object;")


def _value_to_bytes() -> Any:
    return method_type("(Ljava/lang/Object;)[B")


def _object_type(neighbour: Any) -> Any:
    """The bytes of H2's type for objects, writing and reading by our class."""
    class_file, models = jpype.JClass("java.lang.classfile.ClassFile"), "java.lang.classfile"
    invocation = jpype.JClass(f"{models}.instruction.InvokeInstruction")
    ours = {"serialize": ("toBytes", _value_to_bytes()), "deserialize": ("toValue", _bytes_to_value())}

    def call_ours(code: Any, element: Any) -> None:
        if isinstance(element, invocation) and str(element.name().stringValue()) in ours:
            code.invokestatic(described(_OURS), *ours[str(element.name().stringValue())])
        else:
            code.with_(element)

    def build(builder: Any) -> None:
        steps = {"accept": call_ours, "atStart": _nothing, "atEnd": _nothing}
        code_transform = jpype.JProxy(f"{models}.CodeTransform", dict=steps)
        to_ours = jpype.JClass(f"{models}.MethodTransform").transformingCode(code_transform)
        for element in found:
            if isinstance(element, method_model) and str(element.methodName().stringValue()) in ("write", "read"):
                builder.transformMethod(element, to_ours)
            else:
                builder.with_(element)

    method_model, name = jpype.JClass(f"{models}.MethodModel"), "ObjectDataType$SerializedObjectType"
    found = parsed(neighbour, f"{name}.class")
    return class_file.of().build(described(f"{_PACKAGE}.{name}"), build)


def _nothing(_: Any) -> None:
    """What a transform does at its start and end; JPype does not find these methods' defaults."""


def _stored_value() -> Any:
    """The bytes of our class."""
    class_file = jpype.JClass("java.lang.classfile.ClassFile")
    methods: dict[str, tuple[Any, Callable[[Any], None]]] = {
        "toBytes": (_value_to_bytes(), _to_bytes),
        "toValue": (_bytes_to_value(), _to_value),
        "isExact": (method_type("(Ljava/lang/Object;)Z"), _is_exact),
    }

    def build(builder: Any) -> None:
        for name, (kind, body) in methods.items():
            builder.withMethodBody(name, kind, class_file.ACC_STATIC, body)

    return class_file.of().build(described(_OURS), build)


def _to_bytes(code: Any) -> None:
    """toBytes: local 1 is the BSON type, 2 what is written as that type, 3 the buffer, 4 its bytes."""
    key, encode, serialize = code.newLabel(), code.newLabel(), code.newLabel()
    code.aload(0).instanceOf(described(_SERVER_DOCUMENT)).ifeq(key)
    code.loadConstant(_DOCUMENT).istore(1).aload(0).astore(2).goto_(encode)
    code.labelBinding(key).aload(0).instanceOf(described(_SERVER_KEY)).ifeq(serialize)
    code.loadConstant(_ARRAY).istore(1)
    code.aload(0).checkcast(described(_SERVER_KEY))
    code.invokevirtual(described(_SERVER_KEY), "stream", method_type("()Ljava/util/stream/Stream;"))
    code.invokeinterface(described("java.util.stream.Stream"), "toList", method_type("()Ljava/util/List;")).astore(2)
    code.labelBinding(encode).aload(2)
    code.invokestatic(described(_OURS), "isExact", method_type("(Ljava/lang/Object;)Z")).ifeq(serialize)
    code.trying(lambda block: _encode(block, serialize), lambda catch: catch.catching(described(_RUNTIME_ERROR), _pop))
    code.labelBinding(serialize).aload(0)
    code.invokestatic(described(f"{_PACKAGE}.ObjectDataType"), "serialize", _value_to_bytes()).areturn()


def _pop(code: Any) -> None:
    code.pop()


def _encode(code: Any, too_long: Any) -> None:
    """Returns the BSON type and the BSON after it, unless that is too long."""
    code.loadConstant(_USUAL_BYTES).invokestatic(
        described(f"{_NETTY}.Unpooled"), "buffer", method_type(f"(I){_BUFFER}")
    )
    code.astore(3).aload(3).iload(1)
    code.invokevirtual(described(f"{_NETTY}.ByteBuf"), "writeByte", method_type(f"(I){_BUFFER}")).pop()
    code.iload(1).i2b().aload(2).aload(3)
    code.invokestatic(described(f"{_WIRE}.BsonEncoder"), "encodeValue", method_type(f"(BLjava/lang/Object;{_BUFFER})V"))
    code.aload(3).invokestatic(described(f"{_NETTY}.ByteBufUtil"), "getBytes", method_type(f"({_BUFFER})[B")).astore(4)
    code.aload(4).arraylength().loadConstant(_LONGEST).if_icmpgt(too_long).aload(4).areturn()


def _to_value(code: Any) -> None:
    """toValue: local 1 is the first byte, 2 the buffer, 3 what was decoded."""
    bson, document = code.newLabel(), code.newLabel()
    code.aload(0).iconst_0().baload().istore(1)
    code.iload(1).ifgt(bson).aload(0)
    code.invokestatic(described(f"{_PACKAGE}.ObjectDataType"), "deserialize", _bytes_to_value()).areturn()
    code.labelBinding(bson).aload(0)
    code.invokestatic(described(f"{_NETTY}.Unpooled"), "wrappedBuffer", method_type(f"([B){_BUFFER}")).astore(2)
    code.iload(1).i2b().aload(2).iconst_1()
    code.invokevirtual(described(f"{_NETTY}.ByteBuf"), "skipBytes", method_type(f"(I){_BUFFER}"))
    code.invokestatic(described(f"{_WIRE}.BsonDecoder"), "decodeValue", method_type(f"(B{_BUFFER})Ljava/lang/Object;"))
    code.astore(3).iload(1).loadConstant(_DOCUMENT).if_icmpeq(document)
    code.new_(described(_SERVER_KEY)).dup().aload(3).checkcast(described("java.util.Collection"))
    code.invokespecial(described(_SERVER_KEY), "<init>", method_type("(Ljava/util/Collection;)V")).areturn()
    code.labelBinding(document).aload(3).areturn()


def _is_exact(code: Any) -> None:
    """isExact: local 1 goes through what the value holds, 2 is an entry of a document."""
    a_list, a_time, other, yes, no = (code.newLabel() for _ in range(5))
    code.aload(0).instanceOf(described(_SERVER_DOCUMENT)).ifeq(a_list)
    code.aload(0).checkcast(described(_SERVER_DOCUMENT))
    code.invokevirtual(described(_SERVER_DOCUMENT), "entrySet", method_type("()Ljava/util/Set;"))
    _each(code, lambda: _entry_is_exact(code, no), yes)
    code.labelBinding(a_list).aload(0).instanceOf(described("java.util.List")).ifeq(a_time)
    code.aload(0).checkcast(described("java.util.List"))
    _each(code, lambda: _held_is_exact(code, no), yes)
    code.labelBinding(a_time).aload(0).instanceOf(described("java.time.Instant")).ifeq(other)
    code.aload(0).checkcast(described("java.time.Instant"))
    code.invokevirtual(described("java.time.Instant"), "getNano", method_type("()I"))
    code.loadConstant(1_000_000).irem().ifne(no).goto_(yes)
    code.labelBinding(other)
    for kind in _INEXACT:
        code.aload(0).instanceOf(described(kind)).ifne(no)
    code.labelBinding(yes).iconst_1().ireturn().labelBinding(no).iconst_0().ireturn()


def _each(code: Any, step: Callable[[], None], after: Any) -> None:
    """Takes one step for each of the collection on the stack: it finds an element there."""
    again, iterator = code.newLabel(), described("java.util.Iterator")
    code.invokeinterface(described("java.util.Collection"), "iterator", method_type("()Ljava/util/Iterator;")).astore(1)
    code.labelBinding(again).aload(1).invokeinterface(iterator, "hasNext", method_type("()Z")).ifeq(after)
    code.aload(1).invokeinterface(iterator, "next", method_type("()Ljava/lang/Object;"))
    step()
    code.goto_(again)


def _entry_is_exact(code: Any, no: Any) -> None:
    entry, anything = described("java.util.Map").nested("Entry"), method_type("()Ljava/lang/Object;")
    code.checkcast(entry).astore(2).aload(2).invokeinterface(entry, "getKey", anything)
    code.checkcast(described("java.lang.String")).iconst_0()
    code.invokevirtual(described("java.lang.String"), "indexOf", method_type("(I)I")).ifge(no)
    code.aload(2).invokeinterface(entry, "getValue", anything)
    _held_is_exact(code, no)


def _held_is_exact(code: Any, no: Any) -> None:
    code.invokestatic(described(_OURS), "isExact", method_type("(Ljava/lang/Object;)Z")).ifeq(no)
