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
    /// Writes values into a message, without a call into the library: whole bytes (little endian,
    /// on a byte boundary), single bits, and packed numbers. It is a value: a copy has its own
    /// place, so a copy made before a value was written can overwrite that value later. (Flush the
    /// copy when it wrote bits or packed values.)
    /// </summary>
    /// <remarks>
    /// A write that does not fit writes nothing, returns false and sets
    /// <see cref="HasFailedWrites"/>. A writer of
    /// <see cref="NetworkDriver.BeginSend(NetworkConnection, out DataStreamWriter, int)"/> is valid
    /// until EndSend, AbortSend or the next update.
    /// </remarks>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe partial struct DataStreamWriter
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
        private int m_Capacity;
        private int m_FailedWrites;
        // Bits behind m_Length bytes that do not fill one yet, and how many: 0 to 7.
        private uint m_Pending;
        private int m_PendingCount;
        internal ulong m_Send;
        // The library's handle, an address as a number.
        private ulong m_Handle;

#if !UNITY_5_3_OR_NEWER
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
#endif

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

        // For a message that was begun, whose memory is known to be good.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static void Make(
            Interop.nd_send* send, Interop.nd_driver* driver, out DataStreamWriter writer)
        {
            writer.m_Pointer = send->data;
#if !UNITY_5_3_OR_NEWER
            writer.m_Array = null;
#endif
            writer.m_Length = 0;
            writer.m_Capacity = (int)send->capacity;
            writer.m_FailedWrites = 0;
            writer.m_Pending = 0;
            writer.m_PendingCount = 0;
            writer.m_Send = send->handle;
            writer.m_Handle = (ulong)driver;
        }

        /// <summary>The driver, or concurrent driver, that began it.</summary>
        internal Interop.nd_driver* Driver
        {
            get { return (Interop.nd_driver*)m_Handle; }
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

        /// <summary>Bytes written; one that is not full counts.</summary>
        public int Length
        {
            get
            {
                Sync();
                return m_PendingCount == 0 ? m_Length : m_Length + 1;
            }
        }

        /// <summary>Bits written.</summary>
        public int LengthInBits
        {
            get
            {
                Sync();
                return m_Length * 8 + m_PendingCount;
            }
        }

        /// <summary>
        /// Fills up the last byte with 0: what comes next starts on a byte boundary.
        /// </summary>
        public void Flush()
        {
            if (m_PendingCount == 0)
                return;
            Sync();
            m_Length++;
            m_Pending = 0;
            m_PendingCount = 0;
        }

        /// <summary>Forgets what was written, failed writes included.</summary>
        public void Clear()
        {
            m_Length = 0;
            m_FailedWrites = 0;
            m_Pending = 0;
            m_PendingCount = 0;
        }

        /// <summary>
        /// The written bytes, in place: no copy, valid as long as the writer's memory. (Unity's
        /// <c>AsNativeArray</c>.)
        /// </summary>
        /// <returns>The bytes; the last one is filled up with 0.</returns>
        public ReadOnlySpan<byte> AsSpan()
        {
            int length = Length;
            return m_Array != null ? new ReadOnlySpan<byte>(m_Array, 0, length)
                : new ReadOnlySpan<byte>(m_Pointer, length);
        }

        /// <summary>A copy of the written bytes.</summary>
        /// <returns>The bytes; the last one is filled up with 0.</returns>
        public byte[] ToArray()
        {
            byte[] copy = new byte[Length];
            if (m_Array != null)
                Buffer.BlockCopy(m_Array, 0, copy, 0, copy.Length);
            else if (copy.Length > 0)
                Marshal.Copy((IntPtr)m_Pointer, copy, 0, copy.Length);
            return copy;
        }

        // Puts a partial byte into memory; the next bits go into it all the same.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Sync()
        {
            if (m_PendingCount != 0)
                Store((byte)m_Pending);
        }

        private void Store(byte value)
        {
            if (m_Array == null)
                m_Pointer[m_Length] = value;
            else
                m_Array[m_Length] = value;
        }

        private bool Fail()
        {
            m_FailedWrites++;
            return false;
        }

        // Is there room for so many bytes on a byte boundary? If so, goes there.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private bool Align(int bytes)
        {
            if (m_PendingCount != 0)
                return AlignBits(bytes);
            // A negative number is a great one here.
            return (uint)bytes <= (uint)(m_Capacity - m_Length) || Fail();
        }

        private bool AlignBits(int bytes)
        {
            if (bytes < 0 || bytes > m_Capacity - (m_Length + 1))
                return Fail();
            Flush();
            return true;
        }

        // Is there room for so many more bits?
        private bool Fits(long bits)
        {
            long left = (long)(m_Capacity - m_Length) * 8 - m_PendingCount;
            return bits <= left || Fail();
        }

        // Appends at most 57 bits, the first one lowest, for which there is room.
        private bool Push(ulong bits, int count)
        {
            bits = m_Pending | (bits << m_PendingCount);
            count += m_PendingCount;
            while (count >= 8)
            {
                Store((byte)bits);
                m_Length++;
                bits >>= 8;
                count -= 8;
            }
            m_Pending = (uint)bits;
            m_PendingCount = count;
            return true;
        }
    }
}
