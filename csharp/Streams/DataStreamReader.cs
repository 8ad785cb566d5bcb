using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
#if UNITY_5_3_OR_NEWER
using Unity.Collections.LowLevel.Unsafe;
#pragma warning disable 162, 429, 1720 // what is for arrays alone
#endif

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
    public unsafe partial struct DataStreamReader
    {
#if UNITY_5_3_OR_NEWER
        // Structs of Unity's jobs hold no references: there are no streams over arrays there.
        [NativeDisableUnsafePtrRestriction]
        private byte* m_Pointer;
        private const byte[] m_Array = null;
#else
        private byte* m_Pointer;
        private byte[] m_Array;
#endif
        private int m_Length;
        private int m_Position;
        private int m_FailedReads;
        // Bits read of the byte at m_Position: 0 to 7.
        private int m_BitCount;

#if !UNITY_5_3_OR_NEWER
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
#endif

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
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static void Make(byte* data, int length, out DataStreamReader reader)
        {
            reader.m_Pointer = data;
#if !UNITY_5_3_OR_NEWER
            reader.m_Array = null;
#endif
            reader.m_Length = length;
            reader.m_Position = 0;
            reader.m_FailedReads = 0;
            reader.m_BitCount = 0;
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

        /// <summary>Bytes of which nothing was read yet.</summary>
        public int Remaining
        {
            get { return m_Length - GetBytesRead(); }
        }

        /// <summary>Bytes read; one of which bits are left counts.</summary>
        /// <returns>The number.</returns>
        public int GetBytesRead()
        {
            return m_BitCount == 0 ? m_Position : m_Position + 1;
        }

        /// <summary>Bits read.</summary>
        /// <returns>The number.</returns>
        public int GetBitsRead()
        {
            return m_Position * 8 + m_BitCount;
        }

        /// <summary>Goes to a place; one behind the end counts as a failed read.</summary>
        /// <param name="pos">The place in bytes.</param>
        public void SeekSet(int pos)
        {
            if (pos < 0 || pos > m_Length)
            {
                m_FailedReads++;
                return;
            }
            m_Position = pos;
            m_BitCount = 0;
        }

        /// <summary>Skips what is left of a byte of which bits were read.</summary>
        public void Flush()
        {
            m_Position = GetBytesRead();
            m_BitCount = 0;
        }

        // Are there so many bytes from the next byte boundary on? If so, goes there.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private bool Align(int bytes)
        {
            if (m_BitCount != 0)
                return AlignBits(bytes);
            // A negative number is a great one here.
            return (uint)bytes <= (uint)(m_Length - m_Position) || Fail();
        }

        private bool AlignBits(int bytes)
        {
            if (bytes < 0 || bytes > m_Length - GetBytesRead())
                return Fail();
            Flush();
            return true;
        }

        private bool Fail()
        {
            m_FailedReads++;
            return false;
        }

        // The next 57 bits, the first one lowest; those behind the end are 0.
        private ulong Peek()
        {
            if (m_Array == null)
                return Peek(m_Pointer);
            fixed (byte* start = m_Array)
                return Peek(start);
        }

        private ulong Peek(byte* start)
        {
            int left = m_Length - m_Position;
            if (left >= sizeof(ulong))
                return ByteOrder.Load64(start + m_Position) >> m_BitCount;
            ulong bits = 0;
            for (int i = 0; i < left; i++)
                bits |= (ulong)start[m_Position + i] << (8 * i);
            return bits >> m_BitCount;
        }

        // Moves over at most 57 bits, unless so many are not left.
        private bool Skip(int count)
        {
            int bits = m_BitCount + count;
            if ((bits + 7) >> 3 > m_Length - m_Position)
                return false;
            m_Position += bits >> 3;
            m_BitCount = bits & 7;
            return true;
        }

        private bool TakeBits(int count, out ulong value)
        {
            value = Peek() & ((1UL << count) - 1);
            return Skip(count);
        }

        // A code that the end cuts off may look like another one, but then like one that is longer
        // than what is left: no code is the beginning of another.
        private bool TakePacked(out uint value)
        {
            int count;
            value = StreamCompressionModel.Decode(Peek(), out count);
            return Skip(count);
        }

        // Goes back to where a read began that failed in its middle.
        private bool FailAt(int position, int bitCount)
        {
            m_Position = position;
            m_BitCount = bitCount;
            return Fail();
        }
    }
}
