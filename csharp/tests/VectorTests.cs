using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace NetDriver.Tests
{
    /// <summary>
    /// The table of values and bytes that the tests of Rust and C read too: every case is written,
    /// compared, and read back, whole and cut off after each byte; from arrays and from pointers.
    /// </summary>
    [Tests]
    internal static unsafe class VectorTests
    {
        private const string Table = "tests/streams/vectors.txt";
        private const int CasesMin = 117;
        private const int Room = 4096;

        private sealed class Case
        {
            internal string Name = string.Empty;
            internal int Capacity = Room;
            internal byte[] Input;
            internal readonly List<Operation> Operations = new List<Operation>();
            internal int Bits;
            internal byte[] Bytes = new byte[0];
        }

        public static void EveryCaseMakesItsBytesAndComesBackWholeAndCutOff()
        {
            foreach (Case one in Cases())
            {
                if (one.Input != null)
                    continue;
                byte[] array = Filled();
                DataStreamWriter writer = new DataStreamWriter(Sized(array, one.Capacity));
                Check.Bytes(one.Bytes, Written(one, ref writer), one.Name);
                fixed (byte* memory = array)
                {
                    DataStreamWriter other = new DataStreamWriter(memory, one.Capacity);
                    int[] ends = new int[one.Operations.Count];
                    Check.Bytes(one.Bytes, Written(one, ref other, ends), one.Name);
                    for (int length = 0; length <= one.Bytes.Length; length++)
                    {
                        byte[] cut = new byte[length];
                        Array.Copy(one.Bytes, cut, length);
                        Read(one, ends, new DataStreamReader(cut));
                        Read(one, ends, new DataStreamReader(memory, length));
                    }
                }
                for (int i = one.Bytes.Length; i < array.Length; i++)
                    Check.Equal((byte)0xaa, array[i], one.Name + ": behind the end");
            }
        }

        public static void EveryInputIsReadAsTheTableSays()
        {
            int seen = 0;
            foreach (Case one in Cases())
            {
                if (one.Input == null)
                    continue;
                seen++;
                ReadInput(one, new DataStreamReader(one.Input));
                fixed (byte* memory = one.Input)
                    ReadInput(one, new DataStreamReader(memory, one.Input.Length));
            }
            Check.That(seen > 10, "inputs: " + seen);
        }

        private static byte[] Filled()
        {
            byte[] array = new byte[Room];
            for (int i = 0; i < array.Length; i++)
                array[i] = 0xaa;
            return array;
        }

        private static byte[] Sized(byte[] array, int length)
        {
            byte[] copy = new byte[length];
            Array.Copy(array, copy, length);
            return copy;
        }

        private static byte[] Written(Case one, ref DataStreamWriter writer)
        {
            return Written(one, ref writer, new int[one.Operations.Count]);
        }

        // Writes a case; "ends" is after which bit each operation ends.
        private static byte[] Written(Case one, ref DataStreamWriter writer, int[] ends)
        {
            bool failed = false;
            for (int i = 0; i < ends.Length; i++)
            {
                Operation operation = one.Operations[i];
                string what = one.Name + ": " + operation.Name;
                int before = writer.LengthInBits;
                Check.Equal(!operation.Fails, operation.Write(ref writer), what);
                failed |= operation.Fails;
                Check.Equal(failed, writer.HasFailedWrites, what);
                ends[i] = writer.LengthInBits;
                Check.That(!operation.Fails || ends[i] == before, what);
            }
            Check.Equal(one.Bits, writer.LengthInBits, one.Name);
            Check.Equal(one.Bytes.Length, writer.Length, one.Name);
            Check.Bytes(writer.ToArray(), writer.AsSpan().ToArray(), one.Name);
            return writer.ToArray();
        }

        // Reads what was written, of which only so many bytes came.
        private static void Read(Case one, int[] ends, DataStreamReader reader)
        {
            int start = 0;
            for (int i = 0; i < ends.Length; i++)
            {
                Operation operation = one.Operations[i];
                if (operation.Fails)
                    continue;
                string what = one.Name + ": " + operation.Name + " of " + reader.Length;
                string found = operation.Read(ref reader);
                bool cut = ends[i] > reader.Length * 8;
                Check.Equal(cut, reader.HasFailedReads, what);
                Check.Equal(cut ? operation.Zero() : operation.Value(), found, what);
                Check.Equal(cut ? start : ends[i], reader.GetBitsRead(), what);
                if (cut)
                    return;
                start = ends[i];
            }
        }

        private static void ReadInput(Case one, DataStreamReader reader)
        {
            bool failed = false;
            foreach (Operation operation in one.Operations)
            {
                string what = one.Name + ": " + operation.Name;
                int before = reader.GetBitsRead();
                string found = operation.Read(ref reader);
                failed |= operation.Fails;
                Check.Equal(failed, reader.HasFailedReads, what);
                Check.Equal(operation.Fails ? operation.Zero() : operation.Value(), found, what);
                Check.That(!operation.Fails || reader.GetBitsRead() == before, what);
            }
            Check.Equal(one.Bits, reader.GetBitsRead(), one.Name);
            Check.Equal((one.Bits + 7) / 8, reader.GetBytesRead(), one.Name);
            Check.Equal(reader.Length - reader.GetBytesRead(), reader.Remaining, one.Name);
        }

        private static List<Case> Cases()
        {
            List<Case> all = new List<Case>();
            Case one = null;
            foreach (string line in File.ReadAllLines(Table))
            {
                if (line.Length == 0 || line[0] == '#')
                    continue;
                string[] words = line.Split(' ');
                switch (words[0])
                {
                    case "case":
                        one = new Case();
                        one.Name = line.Substring(5);
                        break;
                    case "room":
                        one.Capacity = int.Parse(words[1], CultureInfo.InvariantCulture);
                        break;
                    case "input":
                        one.Input = Operation.FromHex(words[1]);
                        break;
                    case "=":
                    case "read":
                        one.Bits = int.Parse(words[1], CultureInfo.InvariantCulture);
                        one.Bytes = words.Length > 2 ? Operation.FromHex(words[2]) : one.Bytes;
                        all.Add(one);
                        break;
                    default:
                        one.Operations.Add(new Operation(words));
                        break;
                }
            }
            Check.That(all.Count >= CasesMin, "cases: " + all.Count);
            return all;
        }
    }
}
