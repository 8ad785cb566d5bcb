using System;
using System.Runtime.InteropServices;
using System.Text;

namespace NetDriver
{
    /// <summary>
    /// Writes values into a message: little endian, each on a byte boundary, without a call into
    /// the library. It is a value: a copy has its own place, so a copy made before a value was
    /// written can overwrite that value later.
    /// </summary>
    /// <remarks>
    /// A write that does not fit writes nothing, returns false and sets
    /// <see cref="HasFailedWrites"/>. A writer of
    /// <see cref="NetworkDriver.BeginSend(NetworkConnection, out DataStreamWriter, int)"/> is valid
    /// until EndSend, AbortSend or the next update.
    /// </remarks>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct DataStreamWriter
    {
        private byte* m_Pointer;
        private byte[] m_Array;
        private int m_Length;
        private int m_Capacity;
        private int m_FailedWrites;
        internal readonly ulong m_Send;
        internal readonly Interop.nd_driver* m_Driver;

        /// <summary>A writer over an array.</summary>
        /// <param name="data">Where to write.</param>
        public DataStreamWriter(byte[] data)
            : this()
        {
            if (data == null)
                throw new ArgumentNullException("data");
            m_Array = data;
            m_Capacity = data.Length;
        }

        /// <summary>A writer over an array of its own; see <see cref="ToArray"/>.</summary>
        /// <param name="length">The most bytes to write.</param>
        public DataStreamWriter(int length)
            : this(new byte[length])
        {
        }

        /// <summary>A writer over memory that does not move.</summary>
        /// <param name="data">Where to write.</param>
        /// <param name="length">The most bytes to write.</param>
        public DataStreamWriter(byte* data, int length)
            : this()
        {
            if (data == null)
                throw new ArgumentNullException("data");
            if (length < 0)
                throw new ArgumentOutOfRangeException("length");
            m_Pointer = data;
            m_Capacity = length;
        }

        internal DataStreamWriter(Interop.nd_send send, Interop.nd_driver* driver)
            : this()
        {
            m_Pointer = send.data;
            m_Capacity = (int)send.capacity;
            m_Send = send.handle;
            m_Driver = driver;
        }

        /// <summary>Values are written little endian.</summary>
        public static bool IsLittleEndian
        {
            get { return true; }
        }

        /// <summary>Is there memory to write to?</summary>
        public bool IsCreated
        {
            get { return m_Pointer != null || m_Array != null; }
        }

        /// <summary>Did a write through this value not fit?</summary>
        public bool HasFailedWrites
        {
            get { return m_FailedWrites > 0; }
        }

        /// <summary>The most bytes that fit.</summary>
        public int Capacity
        {
            get { return m_Capacity; }
        }

        /// <summary>Bytes written.</summary>
        public int Length
        {
            get { return m_Length; }
        }

        /// <summary>Bits written.</summary>
        public int LengthInBits
        {
            get { return m_Length * 8; }
        }

        /// <summary>
        /// Completes a partial byte; there is none, as all values are whole bytes.
        /// </summary>
        public void Flush()
        {
        }

        /// <summary>Forgets what was written, failed writes included.</summary>
        public void Clear()
        {
            m_Length = 0;
            m_FailedWrites = 0;
        }

        /// <summary>A copy of the written bytes.</summary>
        /// <returns>The bytes.</returns>
        public byte[] ToArray()
        {
            byte[] copy = new byte[m_Length];
            if (m_Array != null)
                Buffer.BlockCopy(m_Array, 0, copy, 0, m_Length);
            else if (m_Length > 0)
                Marshal.Copy((IntPtr)m_Pointer, copy, 0, m_Length);
            return copy;
        }

        /// <summary>Writes one byte.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteByte(byte value)
        {
            return Put8(value);
        }

        /// <summary>Writes 2 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteShort(short value)
        {
            return Put16((ushort)value);
        }

        /// <summary>Writes 2 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteUShort(ushort value)
        {
            return Put16(value);
        }

        /// <summary>Writes 4 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteInt(int value)
        {
            return Put32((uint)value);
        }

        /// <summary>Writes 4 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteUInt(uint value)
        {
            return Put32(value);
        }

        /// <summary>Writes 8 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteLong(long value)
        {
            return Put64((ulong)value);
        }

        /// <summary>Writes 8 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteULong(ulong value)
        {
            return Put64(value);
        }

        /// <summary>Writes 4 bytes (IEEE 754).</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFloat(float value)
        {
            return Put32(*(uint*)&value);
        }

        /// <summary>Writes 8 bytes (IEEE 754).</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteDouble(double value)
        {
            return Put64(*(ulong*)&value);
        }

        /// <summary>Writes 2 bytes, big endian.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteShortNetworkByteOrder(short value)
        {
            return Put16(ByteOrder.Swap((ushort)value));
        }

        /// <summary>Writes 2 bytes, big endian.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteUShortNetworkByteOrder(ushort value)
        {
            return Put16(ByteOrder.Swap(value));
        }

        /// <summary>Writes 4 bytes, big endian.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteIntNetworkByteOrder(int value)
        {
            return Put32(ByteOrder.Swap((uint)value));
        }

        /// <summary>Writes 4 bytes, big endian.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteUIntNetworkByteOrder(uint value)
        {
            return Put32(ByteOrder.Swap(value));
        }

        /// <summary>Writes bytes as they are.</summary>
        /// <param name="value">The bytes.</param>
        /// <returns>Did they fit?</returns>
        public bool WriteBytes(byte[] value)
        {
            if (value == null)
                throw new ArgumentNullException("value");
            fixed (byte* source = value)
                return WriteBytesUnsafe(source, value.Length);
        }

        /// <summary>Writes bytes as they are.</summary>
        /// <param name="value">An array.</param>
        /// <param name="offset">The first of its bytes to write.</param>
        /// <param name="count">How many to write.</param>
        /// <returns>Did they fit?</returns>
        public bool WriteBytes(byte[] value, int offset, int count)
        {
            ByteOrder.CheckRange(value, offset, count);
            fixed (byte* source = value)
                return WriteBytesUnsafe(source + offset, count);
        }

        /// <summary>Writes bytes as they are.</summary>
        /// <param name="value">The bytes.</param>
        /// <returns>Did they fit?</returns>
        public bool WriteBytes(ReadOnlySpan<byte> value)
        {
            fixed (byte* source = &MemoryMarshal.GetReference(value))
                return WriteBytesUnsafe(source, value.Length);
        }

        /// <summary>Writes bytes as they are.</summary>
        /// <param name="data">The bytes; may be null when there are none.</param>
        /// <param name="bytes">How many.</param>
        /// <returns>Did they fit?</returns>
        public bool WriteBytesUnsafe(byte* data, int bytes)
        {
            if (bytes < 0 || bytes > m_Capacity - m_Length)
                return Fail();
            if (bytes == 0)
                return true;
            if (m_Array == null)
                Buffer.MemoryCopy(data, m_Pointer + m_Length, bytes, bytes);
            else
            {
                fixed (byte* start = m_Array)
                    Buffer.MemoryCopy(data, start + m_Length, bytes, bytes);
            }
            m_Length += bytes;
            return true;
        }

        /// <summary>
        /// Writes a text: 2 bytes length, then UTF-8. One of more than 29 bytes counts as a
        /// failed write.
        /// </summary>
        /// <param name="value">The text; null is written as an empty one.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFixedString32(string value)
        {
            return WriteText(value, FixedString.Max32);
        }

        /// <summary>
        /// Writes a text: 2 bytes length, then UTF-8. One of more than 61 bytes counts as a
        /// failed write.
        /// </summary>
        /// <param name="value">The text; null is written as an empty one.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFixedString64(string value)
        {
            return WriteText(value, FixedString.Max64);
        }

        /// <summary>
        /// Writes a text: 2 bytes length, then UTF-8. One of more than 125 bytes counts as a
        /// failed write.
        /// </summary>
        /// <param name="value">The text; null is written as an empty one.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFixedString128(string value)
        {
            return WriteText(value, FixedString.Max128);
        }

        /// <summary>
        /// Writes a text: 2 bytes length, then UTF-8. One of more than 509 bytes counts as a
        /// failed write.
        /// </summary>
        /// <param name="value">The text; null is written as an empty one.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFixedString512(string value)
        {
            return WriteText(value, FixedString.Max512);
        }

        /// <summary>
        /// Writes a text: 2 bytes length, then UTF-8. One of more than 4093 bytes counts as a
        /// failed write.
        /// </summary>
        /// <param name="value">The text; null is written as an empty one.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFixedString4096(string value)
        {
            return WriteText(value, FixedString.Max4096);
        }

        private bool WriteText(string value, int most)
        {
            int count = string.IsNullOrEmpty(value) ? 0 : Encoding.UTF8.GetByteCount(value);
            if (count > most || count + sizeof(ushort) > m_Capacity - m_Length)
                return Fail();
            Put16((ushort)count);
            if (count == 0)
                return true;
            fixed (char* text = value)
            {
                if (m_Array == null)
                    Encoding.UTF8.GetBytes(text, value.Length, m_Pointer + m_Length, count);
                else
                {
                    fixed (byte* start = m_Array)
                        Encoding.UTF8.GetBytes(text, value.Length, start + m_Length, count);
                }
            }
            m_Length += count;
            return true;
        }

        private bool Fail()
        {
            m_FailedWrites++;
            return false;
        }

        private bool Put8(byte value)
        {
            if (m_Capacity - m_Length < 1)
                return Fail();
            if (m_Array == null)
                m_Pointer[m_Length] = value;
            else
                m_Array[m_Length] = value;
            m_Length++;
            return true;
        }

        private bool Put16(ushort value)
        {
            if (m_Capacity - m_Length < sizeof(ushort))
                return Fail();
            if (m_Array == null)
                ByteOrder.Store(m_Pointer + m_Length, value);
            else
            {
                fixed (byte* start = m_Array)
                    ByteOrder.Store(start + m_Length, value);
            }
            m_Length += sizeof(ushort);
            return true;
        }

        private bool Put32(uint value)
        {
            if (m_Capacity - m_Length < sizeof(uint))
                return Fail();
            if (m_Array == null)
                ByteOrder.Store(m_Pointer + m_Length, value);
            else
            {
                fixed (byte* start = m_Array)
                    ByteOrder.Store(start + m_Length, value);
            }
            m_Length += sizeof(uint);
            return true;
        }

        private bool Put64(ulong value)
        {
            if (m_Capacity - m_Length < sizeof(ulong))
                return Fail();
            if (m_Array == null)
                ByteOrder.Store(m_Pointer + m_Length, value);
            else
            {
                fixed (byte* start = m_Array)
                    ByteOrder.Store(start + m_Length, value);
            }
            m_Length += sizeof(ulong);
            return true;
        }
    }
}
