using System;
using System.Globalization;
using System.Text;

namespace NetDriver.Tests
{
    /// <summary>One line of the table of vectors: a value that is written and read.</summary>
    internal sealed unsafe class Operation
    {
        private static readonly StreamCompressionModel s_Model = StreamCompressionModel.Default;
        private static readonly UTF8Encoding s_Strict = new UTF8Encoding(false, true);
        private readonly string[] m_Words;

        internal readonly bool Fails;
        internal readonly string Name;

        internal Operation(string[] words)
        {
            m_Words = words;
            Fails = words[0][0] == '!';
            Name = words[0].TrimStart('!');
        }

        internal static byte[] FromHex(string text)
        {
            byte[] bytes = new byte[text == "-" ? 0 : text.Length / 2];
            for (int i = 0; i < bytes.Length; i++)
                bytes[i] = Convert.ToByte(text.Substring(2 * i, 2), 16);
            return bytes;
        }

        private static string ToHex(byte[] bytes, int count)
        {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < count; i++)
                text.Append(bytes[i].ToString("x2", CultureInfo.InvariantCulture));
            return count == 0 ? "-" : text.ToString();
        }

        private bool IsText
        {
            get { return Name.IndexOf("string", StringComparison.Ordinal) >= 0; }
        }

        /// <summary>What is read, as the table writes it.</summary>
        internal string Value()
        {
            if (Name == "flush" || Name == "seek")
                return null;
            return m_Words[IsText ? 2 : 1];
        }

        /// <summary>What a failed read gives.</summary>
        internal string Zero()
        {
            string value = Value();
            if (value == null)
                return null;
            if (Name == "bytes")
                return new string('0', value.Length);
            return IsText ? "-" : value.StartsWith("0x", StringComparison.Ordinal)
                ? "0x" + new string('0', value.Length - 2) : "0";
        }

        // A number of any type, as its bits.
        private ulong Number(int index)
        {
            string text = index < m_Words.Length ? m_Words[index] : "0";
            CultureInfo culture = CultureInfo.InvariantCulture;
            if (text[0] == '-')
                return unchecked((ulong)long.Parse(text, culture));
            return text.StartsWith("0x", StringComparison.Ordinal)
                ? ulong.Parse(text.Substring(2), NumberStyles.HexNumber, culture)
                : ulong.Parse(text, culture);
        }

        private static float AsFloat(ulong bits)
        {
            uint half = (uint)bits;
            return *(float*)&half;
        }

        private static double AsDouble(ulong bits)
        {
            return *(double*)&bits;
        }

        private static string Show(float value)
        {
            return "0x" + (*(uint*)&value).ToString("x8", CultureInfo.InvariantCulture);
        }

        private static string Show(double value)
        {
            return "0x" + (*(ulong*)&value).ToString("x16", CultureInfo.InvariantCulture);
        }

        private static string Show(long value)
        {
            return value.ToString(CultureInfo.InvariantCulture);
        }

        private static string Show(ulong value)
        {
            return value.ToString(CultureInfo.InvariantCulture);
        }

        internal bool Write(ref DataStreamWriter writer)
        {
            if (Name == "flush")
            {
                writer.Flush();
                return true;
            }
            if (IsText)
                return WriteText(ref writer);
            if (Name == "bytes")
                return writer.WriteBytes(FromHex(m_Words[1]));
            ulong value = Number(1);
            return Name.StartsWith("packed_", StringComparison.Ordinal)
                ? WritePacked(ref writer, value, Number(2)) : WriteWhole(ref writer, value);
        }

        private bool WriteWhole(ref DataStreamWriter writer, ulong value)
        {
            switch (Name)
            {
                case "byte": return writer.WriteByte((byte)value);
                case "short": return writer.WriteShort((short)value);
                case "ushort": return writer.WriteUShort((ushort)value);
                case "int": return writer.WriteInt((int)value);
                case "uint": return writer.WriteUInt((uint)value);
                case "long": return writer.WriteLong((long)value);
                case "ulong": return writer.WriteULong(value);
                case "float": return writer.WriteFloat(AsFloat(value));
                case "double": return writer.WriteDouble(AsDouble(value));
                case "short_network_byte_order":
                    return writer.WriteShortNetworkByteOrder((short)value);
                case "ushort_network_byte_order":
                    return writer.WriteUShortNetworkByteOrder((ushort)value);
                case "int_network_byte_order":
                    return writer.WriteIntNetworkByteOrder((int)value);
                case "uint_network_byte_order":
                    return writer.WriteUIntNetworkByteOrder((uint)value);
                case "raw_bits": return writer.WriteRawBits((uint)value, (int)Number(2));
                default: throw new CheckFailed(Name + " is not an operation");
            }
        }

        private bool WritePacked(ref DataStreamWriter writer, ulong value, ulong other)
        {
            switch (Name)
            {
                case "packed_uint": return writer.WritePackedUInt((uint)value, s_Model);
                case "packed_int": return writer.WritePackedInt((int)value, s_Model);
                case "packed_ulong": return writer.WritePackedULong(value, s_Model);
                case "packed_long": return writer.WritePackedLong((long)value, s_Model);
                case "packed_float": return writer.WritePackedFloat(AsFloat(value), s_Model);
                case "packed_double": return writer.WritePackedDouble(AsDouble(value), s_Model);
                case "packed_uint_delta":
                    return writer.WritePackedUIntDelta((uint)value, (uint)other, s_Model);
                case "packed_int_delta":
                    return writer.WritePackedIntDelta((int)value, (int)other, s_Model);
                case "packed_ulong_delta":
                    return writer.WritePackedULongDelta(value, other, s_Model);
                case "packed_long_delta":
                    return writer.WritePackedLongDelta((long)value, (long)other, s_Model);
                case "packed_float_delta":
                    return writer.WritePackedFloatDelta(AsFloat(value), AsFloat(other), s_Model);
                case "packed_double_delta":
                    return writer.WritePackedDoubleDelta(
                        AsDouble(value), AsDouble(other), s_Model);
                default: throw new CheckFailed(Name + " is not an operation");
            }
        }

        // A text of the table, or null when it is no UTF-8 and only bytes can be written.
        private string Text(int index)
        {
            try
            {
                return s_Strict.GetString(FromHex(m_Words[index]));
            }
            catch (ArgumentException)
            {
                return null;
            }
        }

        private bool WriteText(ref DataStreamWriter writer)
        {
            string text = Text(2);
            if (Name == "fixed_string")
            {
                if (text == null)
                    return writer.WriteFixedString(FromHex(m_Words[2]));
                switch (Number(1))
                {
                    case 29: return writer.WriteFixedString32(text);
                    case 61: return writer.WriteFixedString64(text);
                    case 125: return writer.WriteFixedString128(text);
                    case 509: return writer.WriteFixedString512(text);
                    default: return writer.WriteFixedString4096(text);
                }
            }
            string old = Text(3);
            if (text == null || old == null)
                return writer.WritePackedFixedStringDelta(
                    FromHex(m_Words[2]), FromHex(m_Words[3]), s_Model);
            switch (Number(1))
            {
                case 29: return writer.WritePackedFixedString32Delta(text, old, s_Model);
                case 61: return writer.WritePackedFixedString64Delta(text, old, s_Model);
                case 125: return writer.WritePackedFixedString128Delta(text, old, s_Model);
                case 509: return writer.WritePackedFixedString512Delta(text, old, s_Model);
                default: return writer.WritePackedFixedString4096Delta(text, old, s_Model);
            }
        }

        /// <summary>Reads; returns what was read, as the table writes it.</summary>
        internal string Read(ref DataStreamReader reader)
        {
            switch (Name)
            {
                case "flush":
                    reader.Flush();
                    return null;
                case "seek":
                    reader.SeekSet((int)Number(1));
                    return null;
                case "bytes":
                    byte[] bytes = FromHex(m_Words[1]);
                    for (int i = 0; i < bytes.Length; i++)
                        bytes[i] = 0xaa;
                    reader.ReadBytes(bytes);
                    return ToHex(bytes, bytes.Length);
                case "raw_bits":
                    return Show((ulong)reader.ReadRawBits((int)Number(2)));
            }
            if (IsText)
                return ReadText(ref reader);
            return Name.StartsWith("packed_", StringComparison.Ordinal)
                ? ReadPacked(ref reader, Number(2)) : ReadWhole(ref reader);
        }

        private string ReadWhole(ref DataStreamReader reader)
        {
            switch (Name)
            {
                case "byte": return Show((ulong)reader.ReadByte());
                case "short": return Show((long)reader.ReadShort());
                case "ushort": return Show((ulong)reader.ReadUShort());
                case "int": return Show((long)reader.ReadInt());
                case "uint": return Show((ulong)reader.ReadUInt());
                case "long": return Show(reader.ReadLong());
                case "ulong": return Show(reader.ReadULong());
                case "float": return Show(reader.ReadFloat());
                case "double": return Show(reader.ReadDouble());
                case "short_network_byte_order":
                    return Show((long)reader.ReadShortNetworkByteOrder());
                case "ushort_network_byte_order":
                    return Show((ulong)reader.ReadUShortNetworkByteOrder());
                case "int_network_byte_order":
                    return Show((long)reader.ReadIntNetworkByteOrder());
                case "uint_network_byte_order":
                    return Show((ulong)reader.ReadUIntNetworkByteOrder());
                default: throw new CheckFailed(Name + " is not an operation");
            }
        }

        private string ReadPacked(ref DataStreamReader reader, ulong other)
        {
            switch (Name)
            {
                case "packed_uint": return Show((ulong)reader.ReadPackedUInt(s_Model));
                case "packed_int": return Show((long)reader.ReadPackedInt(s_Model));
                case "packed_ulong": return Show(reader.ReadPackedULong(s_Model));
                case "packed_long": return Show(reader.ReadPackedLong(s_Model));
                case "packed_float": return Show(reader.ReadPackedFloat(s_Model));
                case "packed_double": return Show(reader.ReadPackedDouble(s_Model));
                case "packed_uint_delta":
                    return Show((ulong)reader.ReadPackedUIntDelta((uint)other, s_Model));
                case "packed_int_delta":
                    return Show((long)reader.ReadPackedIntDelta((int)other, s_Model));
                case "packed_ulong_delta":
                    return Show(reader.ReadPackedULongDelta(other, s_Model));
                case "packed_long_delta":
                    return Show(reader.ReadPackedLongDelta((long)other, s_Model));
                case "packed_float_delta":
                    return Show(reader.ReadPackedFloatDelta(AsFloat(other), s_Model));
                case "packed_double_delta":
                    return Show(reader.ReadPackedDoubleDelta(AsDouble(other), s_Model));
                default: throw new CheckFailed(Name + " is not an operation");
            }
        }

        // As bytes, and where there is a string, by the method that gives one too.
        private string ReadText(ref DataStreamReader reader)
        {
            DataStreamReader second = reader;
            byte[] bytes = new byte[(int)Number(1)];
            int count = Name == "fixed_string" ? reader.ReadFixedString(bytes)
                : reader.ReadPackedFixedStringDelta(bytes, FromHex(m_Words[3]), s_Model);
            string found = ToHex(bytes, count);
            string text = null;
            if (Text(2) == null || Name != "fixed_string" && Text(3) == null)
                return found;
            text = Name == "fixed_string" ? ReadString(ref second)
                : ReadPackedString(ref second, Text(3));
            if (text != null)
            {
                byte[] utf8 = s_Strict.GetBytes(text);
                Check.Equal(found, ToHex(utf8, utf8.Length), "as a string");
                Check.Equal(reader.GetBitsRead(), second.GetBitsRead(), "bits of a string");
                Check.Equal(reader.HasFailedReads, second.HasFailedReads, "the string failed");
            }
            return found;
        }

        private string ReadString(ref DataStreamReader reader)
        {
            switch (Number(1))
            {
                case 29: return reader.ReadFixedString32();
                case 61: return reader.ReadFixedString64();
                case 125: return reader.ReadFixedString128();
                case 509: return reader.ReadFixedString512();
                case 4093: return reader.ReadFixedString4096();
                default: return null;
            }
        }

        private string ReadPackedString(ref DataStreamReader reader, string old)
        {
            switch (Number(1))
            {
                case 29: return reader.ReadPackedFixedString32Delta(old, s_Model);
                case 61: return reader.ReadPackedFixedString64Delta(old, s_Model);
                case 125: return reader.ReadPackedFixedString128Delta(old, s_Model);
                case 509: return reader.ReadPackedFixedString512Delta(old, s_Model);
                case 4093: return reader.ReadPackedFixedString4096Delta(old, s_Model);
                default: return null;
            }
        }
    }
}
