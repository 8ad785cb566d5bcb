#if UNITY_5_3_OR_NEWER
using System;
using Unity.Collections;
using Unity.Collections.LowLevel.Unsafe;

namespace NetDriver
{
    // Streams over Unity's arrays, as those of Unity.Collections.

    public unsafe partial struct DataStreamWriter
    {
        /// <summary>A writer over an array of Unity's.</summary>
        /// <param name="data">Where to write.</param>
        public DataStreamWriter(NativeArray<byte> data)
            : this((byte*)NativeArrayUnsafeUtility.GetUnsafePtr(data), data.Length)
        {
        }

        /// <summary>A writer over memory of its own, which lasts as long as temporary memory of
        /// Unity's does.</summary>
        /// <param name="length">The most bytes to write.</param>
        /// <param name="allocator">Allocator.Temp.</param>
        /// <exception cref="InvalidOperationException">It is another allocator.</exception>
        public DataStreamWriter(int length, Allocator allocator)
            : this(Temporary(length, allocator))
        {
        }

        /// <summary>The written bytes, in place.</summary>
        /// <returns>The bytes; the last one is filled up with 0.</returns>
        public NativeArray<byte> AsNativeArray()
        {
            NativeArray<byte> view =
                NativeArrayUnsafeUtility.ConvertExistingDataToNativeArray<byte>(
                    m_Pointer, Length, Allocator.Invalid);
#if ENABLE_UNITY_COLLECTIONS_CHECKS
            NativeArrayUnsafeUtility.SetAtomicSafetyHandle(
                ref view, AtomicSafetyHandle.GetTempMemoryHandle());
#endif
            return view;
        }

        /// <summary>Writes bytes as they are.</summary>
        /// <param name="value">The bytes.</param>
        /// <returns>Did they fit?</returns>
        public bool WriteBytes(NativeArray<byte> value)
        {
            return WriteBytesUnsafe(
                (byte*)NativeArrayUnsafeUtility.GetUnsafeReadOnlyPtr(value), value.Length);
        }

        private static NativeArray<byte> Temporary(int length, Allocator allocator)
        {
            if (allocator != Allocator.Temp)
                throw new InvalidOperationException(
                    "A writer is created with temporary memory only: Allocator.Temp.");
            return new NativeArray<byte>(length, allocator);
        }
    }

    public unsafe partial struct DataStreamReader
    {
        /// <summary>A reader over an array of Unity's.</summary>
        /// <param name="array">The bytes.</param>
        public DataStreamReader(NativeArray<byte> array)
            : this((byte*)NativeArrayUnsafeUtility.GetUnsafeReadOnlyPtr(array), array.Length)
        {
        }

        /// <summary>Reads as many bytes as the array has; past the end they are 0.</summary>
        /// <param name="array">Where they go.</param>
        public void ReadBytes(NativeArray<byte> array)
        {
            ReadBytesUnsafe((byte*)NativeArrayUnsafeUtility.GetUnsafePtr(array), array.Length);
        }

        /// <summary>Reads a text's bytes; one that is longer than the array gives none.</summary>
        /// <param name="array">Where the UTF-8 bytes go.</param>
        /// <returns>How many there are; 0 past the end.</returns>
        public ushort ReadFixedString(NativeArray<byte> array)
        {
            return ReadFixedStringUnsafe(
                (byte*)NativeArrayUnsafeUtility.GetUnsafePtr(array), array.Length);
        }

        /// <summary>Reads a text's bytes that were packed against others; a text that is longer
        /// than the array gives none.</summary>
        /// <param name="data">Where the UTF-8 bytes go.</param>
        /// <param name="baseData">The bytes that they were packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>How many there are; 0 past the end.</returns>
        public ushort ReadPackedFixedStringDelta(
            NativeArray<byte> data, NativeArray<byte> baseData, in StreamCompressionModel model)
        {
            return ReadPackedFixedStringDeltaUnsafe(
                (byte*)NativeArrayUnsafeUtility.GetUnsafePtr(data), data.Length,
                (byte*)NativeArrayUnsafeUtility.GetUnsafeReadOnlyPtr(baseData),
                (ushort)baseData.Length, model);
        }

        /// <summary>Where the bytes lie, whatever was read of them.</summary>
        /// <returns>The first one; valid as long as the reader.</returns>
        public void* GetUnsafeReadOnlyPtr()
        {
            return m_Pointer;
        }
    }
}
#endif
