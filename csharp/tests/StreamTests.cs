using System;
using System.Collections.Generic;

namespace NetDriver.Tests
{
    [Tests]
    internal static unsafe class StreamTests
    {
        public static void ValuesAreLittleEndianOnByteBoundaries()
        {
            DataStreamWriter writer = new DataStreamWriter(64);
            Check.That(writer.WriteByte(0x01) && writer.WriteShort(-2) && writer.WriteUShort(0x0403)
                && writer.WriteInt(-3) && writer.WriteUInt(0x08070605) && writer.WriteLong(-4)
                && writer.WriteULong(0x100f0e0d0c0b0a09) && writer.WriteFloat(1.0f)
                && writer.WriteDouble(-2.5), "all fit");
            Check.Bytes(new byte[]
            {
                0x01, 0xfe, 0xff, 0x03, 0x04, 0xfd, 0xff, 0xff, 0xff, 0x05, 0x06, 0x07, 0x08,
                0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10,
                0x00, 0x00, 0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0x04, 0xc0,
            }, writer.ToArray(), "bytes");
            Check.Equal(41, writer.Length, "length");
            Check.Equal(328, writer.LengthInBits, "bits");

            DataStreamReader reader = new DataStreamReader(writer.ToArray());
            Check.Equal((byte)1, reader.ReadByte(), "byte");
            Check.Equal((short)-2, reader.ReadShort(), "short");
            Check.Equal((ushort)0x0403, reader.ReadUShort(), "ushort");
            Check.Equal(-3, reader.ReadInt(), "int");
            Check.Equal(0x08070605u, reader.ReadUInt(), "uint");
            Check.Equal(-4L, reader.ReadLong(), "long");
            Check.Equal(0x100f0e0d0c0b0a09UL, reader.ReadULong(), "ulong");
            Check.Equal(1.0f, reader.ReadFloat(), "float");
            Check.Equal(-2.5, reader.ReadDouble(), "double");
            Check.Equal(41, reader.GetBytesRead(), "bytes read");
            Check.Equal(328, reader.GetBitsRead(), "bits read");
            Check.That(!reader.HasFailedReads && reader.Remaining == 0, "nothing failed");
        }

        public static void NetworkByteOrderIsBigEndian()
        {
            DataStreamWriter writer = new DataStreamWriter(12);
            writer.WriteShortNetworkByteOrder(-2);
            writer.WriteUShortNetworkByteOrder(0x0102);
            writer.WriteIntNetworkByteOrder(-3);
            writer.WriteUIntNetworkByteOrder(0x01020304);
            Check.Bytes(new byte[] { 0xff, 0xfe, 1, 2, 0xff, 0xff, 0xff, 0xfd, 1, 2, 3, 4 },
                writer.ToArray(), "bytes");
            DataStreamReader reader = new DataStreamReader(writer.ToArray());
            Check.Equal((short)-2, reader.ReadShortNetworkByteOrder(), "short");
            Check.Equal((ushort)0x0102, reader.ReadUShortNetworkByteOrder(), "ushort");
            Check.Equal(-3, reader.ReadIntNetworkByteOrder(), "int");
            Check.Equal(0x01020304u, reader.ReadUIntNetworkByteOrder(), "uint");
        }

        public static void AWriteThatDoesNotFitWritesNothing()
        {
            DataStreamWriter writer = new DataStreamWriter(5);
            Check.That(writer.WriteUInt(7) && !writer.HasFailedWrites, "first");
            Check.That(!writer.WriteUShort(1), "2 bytes do not fit into 1");
            Check.That(writer.HasFailedWrites, "failed");
            Check.Equal(4, writer.Length, "length");
            Check.That(writer.WriteByte(9), "1 byte fits");
            Check.That(!writer.WriteByte(1) && !writer.WriteULong(1) && !writer.WriteInt(1)
                && !writer.WriteBytes(new byte[1]) && !writer.WriteFixedString32("x"), "full");
            Check.That(writer.WriteBytes(new byte[0]), "nothing always fits");
            Check.Bytes(new byte[] { 7, 0, 0, 0, 9 }, writer.ToArray(), "bytes");
            writer.Clear();
            Check.That(writer.Length == 0 && !writer.HasFailedWrites && writer.Capacity == 5,
                "cleared");
        }

        public static void AReadPastTheEndGivesZeroAndStays()
        {
            DataStreamReader reader = new DataStreamReader(new byte[] { 1, 2, 3 });
            Check.Equal(0u, reader.ReadUInt(), "4 of 3 bytes");
            Check.That(reader.HasFailedReads, "failed");
            Check.Equal(0, reader.GetBytesRead(), "place");
            Check.Equal((ushort)0x0201, reader.ReadUShort(), "2 of 3 bytes");
            byte[] two = { 7, 7 };
            reader.ReadBytes(two);
            Check.Bytes(new byte[2], two, "bytes past the end are 0");
            Check.Equal((byte)3, reader.ReadByte(), "the last");
            Check.Equal((byte)0, reader.ReadByte(), "past the end");
            Check.Equal(0.0, reader.ReadDouble(), "past the end");
            Check.Equal(string.Empty, reader.ReadFixedString32(), "past the end");
        }

        public static void SeekSetMovesWithinTheBytes()
        {
            DataStreamReader reader = new DataStreamReader(new byte[] { 1, 2, 3 });
            reader.SeekSet(2);
            Check.Equal((byte)3, reader.ReadByte(), "third");
            reader.SeekSet(3);
            Check.That(!reader.HasFailedReads, "the end is a place");
            reader.SeekSet(4);
            Check.That(reader.HasFailedReads && reader.GetBytesRead() == 3, "behind the end");
            DataStreamReader copy = new DataStreamReader(new byte[] { 1, 2 });
            DataStreamReader again = copy;
            copy.ReadByte();
            Check.Equal((byte)1, again.ReadByte(), "a copy has its own place");
        }

        public static void ACopyOfTheWriterPatchesEarlierBytes()
        {
            DataStreamWriter writer = new DataStreamWriter(16);
            writer.WriteByte(1);
            DataStreamWriter count = writer;
            writer.WriteUShort(0);
            writer.WriteUInt(5);
            count.WriteUShort(0x0201);
            Check.Bytes(new byte[] { 1, 1, 2, 5, 0, 0, 0 }, writer.ToArray(), "patched");
        }

        public static void FixedStringsHaveALengthAndUtf8()
        {
            DataStreamWriter writer = new DataStreamWriter(4600);
            Check.That(writer.WriteFixedString32("hé"), "fits");
            Check.Bytes(new byte[] { 3, 0, 0x68, 0xc3, 0xa9 }, writer.ToArray(), "bytes");
            Check.That(writer.WriteFixedString32(new string('a', 29)), "29");
            Check.That(writer.WriteFixedString64(new string('b', 61)), "61");
            Check.That(writer.WriteFixedString128(new string('c', 125)), "125");
            Check.That(writer.WriteFixedString512(string.Empty)
                && writer.WriteFixedString512(null), "empty");
            Check.That(writer.WriteFixedString4096(new string('d', 4093)), "4093");
            int before = writer.Length;
            Check.That(!writer.WriteFixedString32(new string('a', 30)), "30 is too long for 32");
            Check.That(!writer.WriteFixedString128(new string('é', 63)),
                "126 bytes are too long for 128");
            Check.Equal(before, writer.Length, "nothing written");
            DataStreamReader reader = new DataStreamReader(writer.ToArray());
            Check.Equal("hé", reader.ReadFixedString32(), "first");
            Check.Equal(29, reader.ReadFixedString32().Length, "29");
            Check.Equal(61, reader.ReadFixedString64().Length, "61");
            byte[] raw = new byte[125];
            Check.Equal((ushort)125, reader.ReadFixedString(raw), "as bytes");
            Check.Equal((byte)'c', raw[124], "as bytes");
            Check.Equal(string.Empty, reader.ReadFixedString512(), "empty");
            Check.Equal(string.Empty, reader.ReadFixedString512(), "null");
            Check.Equal(4093, reader.ReadFixedString4096().Length, "4093");
            Check.That(!reader.HasFailedReads && reader.Remaining == 0, "nothing failed");
        }

        public static void BitsOfACopyOverwriteThoseOfTheOriginalOnFlush()
        {
            DataStreamWriter writer = new DataStreamWriter(8);
            Check.That(writer.WriteRawBits(5, 3), "bits");
            DataStreamWriter copy = writer;
            Check.That(writer.WriteRawBits(0, 2) && writer.WriteByte(9), "more");
            Check.That(copy.WriteRawBits(3, 2), "patch");
            copy.Flush();
            Check.Bytes(new byte[] { 5 | 3 << 3, 9 }, writer.ToArray(), "patched");
            writer.Clear();
            Check.That(writer.LengthInBits == 0 && writer.AsSpan().Length == 0, "cleared");
            Check.That(writer.WriteByte(7), "from the start");
            Check.Bytes(new byte[] { 7 }, writer.ToArray(), "bits are forgotten too");
        }

        public static void ImpossibleBitsAndBaselinesAreExceptions()
        {
            StreamCompressionModel model = StreamCompressionModel.Default;
            byte[] array = new byte[8];
            Check.Throws<ArgumentOutOfRangeException>(
                () => new DataStreamWriter(array).WriteRawBits(0, 33), "33 bits");
            Check.Throws<ArgumentOutOfRangeException>(
                () => new DataStreamWriter(array).WriteRawBits(0, -1), "-1 bits");
            Check.Throws<ArgumentOutOfRangeException>(
                () => new DataStreamWriter(array).WriteRawBits(8, 3), "8 has 4 bits");
            Check.Throws<ArgumentOutOfRangeException>(
                () => new DataStreamReader(array).ReadRawBits(33), "33 bits");
            string tooLong = new string('a', 30);
            Check.Throws<ArgumentOutOfRangeException>(
                () => new DataStreamWriter(array).WritePackedFixedString32Delta(
                    "a", tooLong, model), "a baseline of 30 bytes");
            Check.Throws<ArgumentOutOfRangeException>(
                () => new DataStreamReader(array).ReadPackedFixedString32Delta(tooLong, model),
                "a baseline of 30 bytes");
            DataStreamWriter writer = new DataStreamWriter(array);
            Check.That(!writer.WritePackedFixedString32Delta(tooLong, tooLong.Substring(1), model)
                && writer.HasFailedWrites && writer.LengthInBits == 0, "a text of 30 bytes");
        }

        public static void ZeroAndMinusZeroAreOneNumberAndNaNIsNone()
        {
            StreamCompressionModel model = StreamCompressionModel.Default;
            DataStreamWriter writer = new DataStreamWriter(32);
            float minusZero = -1.0f / float.PositiveInfinity;
            Check.That(writer.WritePackedFloat(minusZero, in model)
                && writer.WritePackedDoubleDelta(0.0, minusZero, model), "zeros");
            Check.Equal(2, writer.LengthInBits, "one bit each");
            writer.WritePackedFloatDelta(float.NaN, float.NaN, model);
            Check.Equal(35, writer.LengthInBits, "NaN equals nothing");
            DataStreamReader reader = new DataStreamReader(writer.ToArray());
            Check.That(1.0f / reader.ReadPackedFloat(in model) > 0, "0, not -0");
            Check.That(1.0 / reader.ReadPackedDoubleDelta(minusZero, model) < 0, "the baseline");
            Check.That(float.IsNaN(reader.ReadPackedFloatDelta(0, model)), "NaN");
        }

        public static void ANullTextIsPackedAsAnEmptyOne()
        {
            StreamCompressionModel model = StreamCompressionModel.Default;
            DataStreamWriter writer = new DataStreamWriter(16);
            Check.That(writer.WritePackedFixedString32Delta(null, null, model)
                && writer.WritePackedFixedString32Delta("hé", null, model), "fit");
            DataStreamReader reader = new DataStreamReader(writer.ToArray());
            Check.Equal(string.Empty, reader.ReadPackedFixedString32Delta(string.Empty, model), "");
            Check.Equal("hé", reader.ReadPackedFixedString32Delta(null, model), "text");
            Check.That(!reader.HasFailedReads, "nothing failed");
        }

        public static void BitsInFrontOfTheRestAreSkipped()
        {
            DataStreamReader reader = new DataStreamReader(new byte[] { 1, 0x61, 0x62 });
            reader.ReadRawBits(1);
            Check.Equal(2, reader.Remaining, "remaining");
            Check.Equal((byte)0x61, reader.AsSpan()[0], "in place");
            DataStreamReader copy = reader;
            Check.Equal("ab", copy.ReadRemainingText(), "text");
            Check.Bytes(new byte[] { 0x61, 0x62 }, reader.ReadRemainingBytes(), "bytes");
        }

        public static void AnOverlongStringReadsAsEmpty()
        {
            DataStreamWriter writer = new DataStreamWriter(64);
            writer.WriteFixedString64(new string('x', 40));
            DataStreamReader reader = new DataStreamReader(writer.ToArray());
            Check.Equal(string.Empty, reader.ReadFixedString32(), "40 bytes as a string of 29");
            Check.That(!reader.HasFailedReads, "not a failed read");
            DataStreamReader cut = new DataStreamReader(new byte[] { 9, 0, 1 });
            Check.Equal(string.Empty, cut.ReadFixedString32(), "cut off");
            Check.That(cut.HasFailedReads, "a failed read");
        }

        public static void BytesComeFromArraysSpansAndPointers()
        {
            byte[] source = { 1, 2, 3, 4, 5 };
            DataStreamWriter writer = new DataStreamWriter(32);
            writer.WriteBytes(source);
            writer.WriteBytes(source, 1, 2);
            writer.WriteBytes(new ReadOnlySpan<byte>(source, 3, 2));
            writer.WriteBytes(default(ReadOnlySpan<byte>));
            fixed (byte* pointer = source)
                writer.WriteBytesUnsafe(pointer, 1);
            byte[] all = { 1, 2, 3, 4, 5, 2, 3, 4, 5, 1 };
            Check.Bytes(all, writer.ToArray(), "written");
            DataStreamReader reader = new DataStreamReader(all);
            byte[] part = new byte[4];
            reader.ReadBytes(part, 1, 3);
            Check.Bytes(new byte[] { 0, 1, 2, 3 }, part, "into a part");
            reader.ReadBytes(new Span<byte>(part, 0, 2));
            Check.Bytes(new byte[] { 4, 5, 2, 3 }, part, "into a span");
            Check.Equal(5, reader.AsSpan().Length, "in place");
            Check.Equal((byte)2, reader.AsSpan().ToArray()[0], "in place");
            Check.Bytes(new byte[] { 2, 3, 4, 5, 1 }, reader.ReadRemainingBytes(), "the rest");
            Check.Throws<ArgumentOutOfRangeException>(
                () => new DataStreamWriter(9).WriteBytes(source, 4, 2), "outside of the array");
            Check.Throws<ArgumentNullException>(() => new DataStreamWriter((byte[])null),
                "no array");
            Check.Throws<ArgumentNullException>(() => new DataStreamReader((byte[])null),
                "no array");
        }

        public static void TheDefaultValuesHaveNothing()
        {
            DataStreamWriter writer = default(DataStreamWriter);
            Check.That(!writer.IsCreated && !writer.WriteByte(1) && writer.HasFailedWrites,
                "writer");
            DataStreamReader reader = default(DataStreamReader);
            Check.That(!reader.IsCreated && reader.ReadInt() == 0 && reader.HasFailedReads,
                "reader");
        }

        public static void RandomMessagesComeBackFromArraysAndPointers()
        {
            Random random = new Random(7);
            byte[] memory = new byte[256];
            fixed (byte* pointer = memory)
            {
                for (int round = 0; round < 2000; round++)
                {
                    DataStreamWriter first = new DataStreamWriter(200);
                    DataStreamWriter second = new DataStreamWriter(pointer, 200);
                    List<ulong> values = new List<ulong>();
                    List<int> kinds = new List<int>();
                    while (true)
                    {
                        int kind = random.Next(5);
                        ulong value = (ulong)random.Next() << 33 ^ (ulong)random.Next();
                        bool fits = Write(ref first, kind, value);
                        Check.Equal(fits, Write(ref second, kind, value), "fits");
                        if (!fits)
                            break;
                        kinds.Add(kind);
                        values.Add(value);
                    }
                    Check.Bytes(first.ToArray(), second.ToArray(), "array and pointer");
                    DataStreamReader fromArray = new DataStreamReader(first.ToArray());
                    DataStreamReader fromPointer = new DataStreamReader(pointer, second.Length);
                    for (int i = 0; i < kinds.Count; i++)
                    {
                        ulong wanted = values[i] & Mask(kinds[i]);
                        Check.Equal(wanted, Read(ref fromArray, kinds[i]), "from an array");
                        Check.Equal(wanted, Read(ref fromPointer, kinds[i]), "from a pointer");
                    }
                    Check.That(fromArray.Remaining == 0 && !fromArray.HasFailedReads, "all read");
                }
            }
        }

        private static ulong Mask(int kind)
        {
            return kind == 0 ? 0xff : kind == 1 ? 0xffff : kind == 4 ? ulong.MaxValue : 0xffffffff;
        }

        private static bool Write(ref DataStreamWriter writer, int kind, ulong value)
        {
            switch (kind)
            {
                case 0:
                    return writer.WriteByte((byte)value);
                case 1:
                    return writer.WriteShortNetworkByteOrder((short)value);
                case 2:
                    return writer.WriteUInt((uint)value);
                case 3:
                    return writer.WriteIntNetworkByteOrder((int)value);
                default:
                    return writer.WriteULong(value);
            }
        }

        private static ulong Read(ref DataStreamReader reader, int kind)
        {
            switch (kind)
            {
                case 0:
                    return reader.ReadByte();
                case 1:
                    return (ushort)reader.ReadShortNetworkByteOrder();
                case 2:
                    return reader.ReadUInt();
                case 3:
                    return (uint)reader.ReadIntNetworkByteOrder();
                default:
                    return reader.ReadULong();
            }
        }
    }
}
