using System;
using System.Runtime.InteropServices;
using System.Text;

namespace NetDriver
{
    /// <summary>
    /// Reads values out of a message, as <see cref="DataStreamWriter"/> wrote them. It is a value:
    /// a copy has its own place. A reader of a driver's event is valid until the next update.
    /// </summary>
    /// <remarks>
    /// A read past the end gives 0, does not move, and sets <see cref="HasFailedReads"/>.
    /// </remarks>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct DataStreamReader
    {
        private byte* m_Pointer;
        private byte[] m_Array;
        private int m_Length;
        private int m_Position;
        private int m_FailedReads;

        /// <summary>A reader over an array.</summary>
        /// <param name="data">The bytes.</param>
        public DataStreamReader(byte[] data)
            : this()
        {
            if (data == null)
                throw new ArgumentNullException("data");
            m_Array = data;
            m_Length = data.Length;
        }

        /// <summary>A reader over memory that does not move.</summary>
        /// <param name="data">The bytes.</param>
        /// <param name="length">How many.</param>
        public DataStreamReader(byte* data, int length)
            : this()
        {
            if (data == null)
                throw new ArgumentNullException("data");
            if (length < 0)
                throw new ArgumentOutOfRangeException("length");
            m_Pointer = data;
            m_Length = length;
        }

        // For the driver's events, whose pointers are known to be good.
        internal static void Make(byte* data, int length, out DataStreamReader reader)
        {
            reader.m_Pointer = data;
            reader.m_Array = null;
            reader.m_Length = length;
            reader.m_Position = 0;
            reader.m_FailedReads = 0;
        }

        /// <summary>Values are read little endian.</summary>
        public static bool IsLittleEndian
        {
            get { return true; }
        }

        /// <summary>Is there anything to read from? (It may have no bytes.)</summary>
        public bool IsCreated
        {
            get { return m_Pointer != null || m_Array != null; }
        }

        /// <summary>Did a read through this value go past the end?</summary>
        public bool HasFailedReads
        {
            get { return m_FailedReads > 0; }
        }

        /// <summary>Bytes in all.</summary>
        public int Length
        {
            get { return m_Length; }
        }

        /// <summary>Bytes that were not read yet.</summary>
        public int Remaining
        {
            get { return m_Length - m_Position; }
        }

        /// <summary>Bytes read, which is the place of the next read.</summary>
        /// <returns>The number.</returns>
        public int GetBytesRead()
        {
            return m_Position;
        }

        /// <summary>Bits read.</summary>
        /// <returns>The number.</returns>
        public int GetBitsRead()
        {
            return m_Position * 8;
        }

        /// <summary>Goes to a place; one behind the end counts as a failed read.</summary>
        /// <param name="pos">The place in bytes.</param>
        public void SeekSet(int pos)
        {
            if (pos < 0 || pos > m_Length)
                m_FailedReads++;
            else
                m_Position = pos;
        }

        /// <summary>Skips the rest of a partial byte; there is none here.</summary>
        public void Flush()
        {
        }

        /// <summary>Reads one byte.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public byte ReadByte()
        {
            return Get8();
        }

        /// <summary>Reads 2 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public short ReadShort()
        {
            return (short)Get16();
        }

        /// <summary>Reads 2 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public ushort ReadUShort()
        {
            return Get16();
        }

        /// <summary>Reads 4 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public int ReadInt()
        {
            return (int)Get32();
        }

        /// <summary>Reads 4 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public uint ReadUInt()
        {
            return Get32();
        }

        /// <summary>Reads 8 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public long ReadLong()
        {
            return (long)Get64();
        }

        /// <summary>Reads 8 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public ulong ReadULong()
        {
            return Get64();
        }

        /// <summary>Reads 4 bytes (IEEE 754).</summary>
        /// <returns>The value; 0 past the end.</returns>
        public float ReadFloat()
        {
            uint bits = Get32();
            return *(float*)&bits;
        }

        /// <summary>Reads 8 bytes (IEEE 754).</summary>
        /// <returns>The value; 0 past the end.</returns>
        public double ReadDouble()
        {
            ulong bits = Get64();
            return *(double*)&bits;
        }

        /// <summary>Reads 2 bytes, big endian.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public short ReadShortNetworkByteOrder()
        {
            return (short)ByteOrder.Swap(Get16());
        }

        /// <summary>Reads 2 bytes, big endian.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public ushort ReadUShortNetworkByteOrder()
        {
            return ByteOrder.Swap(Get16());
        }

        /// <summary>Reads 4 bytes, big endian.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public int ReadIntNetworkByteOrder()
        {
            return (int)ByteOrder.Swap(Get32());
        }

        /// <summary>Reads 4 bytes, big endian.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public uint ReadUIntNetworkByteOrder()
        {
            return ByteOrder.Swap(Get32());
        }

        /// <summary>Reads as many bytes as the array has; past the end they are 0.</summary>
        /// <param name="destination">Where they go.</param>
        public void ReadBytes(byte[] destination)
        {
            if (destination == null)
                throw new ArgumentNullException("destination");
            fixed (byte* target = destination)
                ReadBytesUnsafe(target, destination.Length);
        }

        /// <summary>Reads bytes into a part of an array; past the end they are 0.</summary>
        /// <param name="destination">Where they go.</param>
        /// <param name="offset">The first byte to fill.</param>
        /// <param name="count">How many.</param>
        public void ReadBytes(byte[] destination, int offset, int count)
        {
            ByteOrder.CheckRange(destination, offset, count);
            fixed (byte* target = destination)
                ReadBytesUnsafe(target + offset, count);
        }

        /// <summary>Reads as many bytes as fit; past the end they are 0.</summary>
        /// <param name="destination">Where they go.</param>
        public void ReadBytes(Span<byte> destination)
        {
            fixed (byte* target = &MemoryMarshal.GetReference(destination))
                ReadBytesUnsafe(target, destination.Length);
        }

        /// <summary>Reads bytes; past the end they are 0.</summary>
        /// <param name="data">Where they go; may be null when there are none.</param>
        /// <param name="length">How many.</param>
        public void ReadBytesUnsafe(byte* data, int length)
        {
            if (length < 0 || length > m_Length - m_Position)
            {
                m_FailedReads++;
                for (int i = 0; i < length; i++)
                    data[i] = 0;
                return;
            }
            if (length == 0)
                return;
            if (m_Array == null)
                Buffer.MemoryCopy(m_Pointer + m_Position, data, length, length);
            else
            {
                fixed (byte* start = m_Array)
                    Buffer.MemoryCopy(start + m_Position, data, length, length);
            }
            m_Position += length;
        }

        /// <summary>Reads all bytes that are left.</summary>
        /// <returns>A new array.</returns>
        public byte[] ReadRemainingBytes()
        {
            byte[] bytes = new byte[m_Length - m_Position];
            ReadBytes(bytes);
            return bytes;
        }

        /// <summary>
        /// Reads all bytes that are left as UTF-8: a text message of a WebSocket.
        /// </summary>
        /// <returns>The text.</returns>
        public string ReadRemainingText()
        {
            return ReadText(m_Length - m_Position);
        }

        /// <summary>
        /// The bytes that are left, in place: no copy, valid as long as the reader.
        /// </summary>
        /// <returns>The bytes; reading them does not move the reader.</returns>
        public ReadOnlySpan<byte> AsSpan()
        {
            int left = m_Length - m_Position;
            return m_Array != null ? new ReadOnlySpan<byte>(m_Array, m_Position, left)
                : new ReadOnlySpan<byte>(m_Pointer + m_Position, left);
        }

        /// <summary>Reads a text of at most 29 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text.</returns>
        public string ReadFixedString32()
        {
            return ReadFixedText(FixedString.Max32);
        }

        /// <summary>Reads a text of at most 61 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text.</returns>
        public string ReadFixedString64()
        {
            return ReadFixedText(FixedString.Max64);
        }

        /// <summary>Reads a text of at most 125 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text.</returns>
        public string ReadFixedString128()
        {
            return ReadFixedText(FixedString.Max128);
        }

        /// <summary>Reads a text of at most 509 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text.</returns>
        public string ReadFixedString512()
        {
            return ReadFixedText(FixedString.Max512);
        }

        /// <summary>Reads a text of at most 4093 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text.</returns>
        public string ReadFixedString4096()
        {
            return ReadFixedText(FixedString.Max4096);
        }

        /// <summary>
        /// Reads a text's bytes without making a string; one that is longer than the array gives
        /// none.
        /// </summary>
        /// <param name="array">Where the UTF-8 bytes go.</param>
        /// <returns>How many there are.</returns>
        public ushort ReadFixedString(byte[] array)
        {
            if (array == null)
                throw new ArgumentNullException("array");
            ushort count = Get16();
            if (count == 0 || count > array.Length)
                return 0;
            int before = m_FailedReads;
            ReadBytes(array, 0, count);
            return m_FailedReads == before ? count : (ushort)0;
        }

        private string ReadFixedText(int most)
        {
            ushort count = Get16();
            return count > most ? string.Empty : ReadText(count);
        }

        private string ReadText(int count)
        {
            if (count > m_Length - m_Position)
            {
                m_FailedReads++;
                return string.Empty;
            }
            if (count == 0)
                return string.Empty;
            string text = m_Array != null ? Encoding.UTF8.GetString(m_Array, m_Position, count)
                : Encoding.UTF8.GetString(m_Pointer + m_Position, count);
            m_Position += count;
            return text;
        }

        private byte Get8()
        {
            if (m_Length - m_Position < 1)
            {
                m_FailedReads++;
                return 0;
            }
            byte value = m_Array == null ? m_Pointer[m_Position] : m_Array[m_Position];
            m_Position++;
            return value;
        }

        private ushort Get16()
        {
            if (m_Length - m_Position < sizeof(ushort))
            {
                m_FailedReads++;
                return 0;
            }
            ushort value;
            if (m_Array == null)
                value = ByteOrder.Load16(m_Pointer + m_Position);
            else
            {
                fixed (byte* start = m_Array)
                    value = ByteOrder.Load16(start + m_Position);
            }
            m_Position += sizeof(ushort);
            return value;
        }

        private uint Get32()
        {
            if (m_Length - m_Position < sizeof(uint))
            {
                m_FailedReads++;
                return 0;
            }
            uint value;
            if (m_Array == null)
                value = ByteOrder.Load32(m_Pointer + m_Position);
            else
            {
                fixed (byte* start = m_Array)
                    value = ByteOrder.Load32(start + m_Position);
            }
            m_Position += sizeof(uint);
            return value;
        }

        private ulong Get64()
        {
            if (m_Length - m_Position < sizeof(ulong))
            {
                m_FailedReads++;
                return 0;
            }
            ulong value;
            if (m_Array == null)
                value = ByteOrder.Load64(m_Pointer + m_Position);
            else
            {
                fixed (byte* start = m_Array)
                    value = ByteOrder.Load64(start + m_Position);
            }
            m_Position += sizeof(ulong);
            return value;
        }
    }
}
