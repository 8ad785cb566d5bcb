#if NETDRIVER_COLLECTIONS
using Unity.Collections;

namespace NetDriver
{
    // Texts of com.unity.collections, which is there when NETDRIVER_COLLECTIONS is defined:
    // NetDriver.asmdef does it where the package is installed.

    public unsafe partial struct DataStreamWriter
    {
        /// <summary>Writes a text: 2 bytes length, then UTF-8.</summary>
        /// <param name="str">The text.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFixedString32(FixedString32Bytes str)
        {
            return WriteTextBytes(str.GetUnsafePtr(), str.Length);
        }

        /// <summary>Writes a text: 2 bytes length, then UTF-8.</summary>
        /// <param name="str">The text.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFixedString64(FixedString64Bytes str)
        {
            return WriteTextBytes(str.GetUnsafePtr(), str.Length);
        }

        /// <summary>Writes a text: 2 bytes length, then UTF-8.</summary>
        /// <param name="str">The text.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFixedString128(FixedString128Bytes str)
        {
            return WriteTextBytes(str.GetUnsafePtr(), str.Length);
        }

        /// <summary>Writes a text: 2 bytes length, then UTF-8.</summary>
        /// <param name="str">The text.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFixedString512(FixedString512Bytes str)
        {
            return WriteTextBytes(str.GetUnsafePtr(), str.Length);
        }

        /// <summary>Writes a text: 2 bytes length, then UTF-8.</summary>
        /// <param name="str">The text.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFixedString4096(FixedString4096Bytes str)
        {
            return WriteTextBytes(str.GetUnsafePtr(), str.Length);
        }

        /// <summary>Packs a text against one that the reader knows.</summary>
        /// <param name="str">The text.</param>
        /// <param name="baseline">The text that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFixedString32Delta(
            FixedString32Bytes str, FixedString32Bytes baseline,
            in StreamCompressionModel model)
        {
            return WritePackedText(
                str.GetUnsafePtr(), str.Length, baseline.GetUnsafePtr(), baseline.Length);
        }

        /// <summary>Packs a text against one that the reader knows.</summary>
        /// <param name="str">The text.</param>
        /// <param name="baseline">The text that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFixedString64Delta(
            FixedString64Bytes str, FixedString64Bytes baseline,
            in StreamCompressionModel model)
        {
            return WritePackedText(
                str.GetUnsafePtr(), str.Length, baseline.GetUnsafePtr(), baseline.Length);
        }

        /// <summary>Packs a text against one that the reader knows.</summary>
        /// <param name="str">The text.</param>
        /// <param name="baseline">The text that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFixedString128Delta(
            FixedString128Bytes str, FixedString128Bytes baseline,
            in StreamCompressionModel model)
        {
            return WritePackedText(
                str.GetUnsafePtr(), str.Length, baseline.GetUnsafePtr(), baseline.Length);
        }

        /// <summary>Packs a text against one that the reader knows.</summary>
        /// <param name="str">The text.</param>
        /// <param name="baseline">The text that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFixedString512Delta(
            FixedString512Bytes str, FixedString512Bytes baseline,
            in StreamCompressionModel model)
        {
            return WritePackedText(
                str.GetUnsafePtr(), str.Length, baseline.GetUnsafePtr(), baseline.Length);
        }

        /// <summary>Packs a text against one that the reader knows.</summary>
        /// <param name="str">The text.</param>
        /// <param name="baseline">The text that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFixedString4096Delta(
            FixedString4096Bytes str, FixedString4096Bytes baseline,
            in StreamCompressionModel model)
        {
            return WritePackedText(
                str.GetUnsafePtr(), str.Length, baseline.GetUnsafePtr(), baseline.Length);
        }
    }

    public unsafe partial struct DataStreamReader
    {
        /// <summary>Reads a text of at most 29 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text; an empty one past the end.</returns>
        public FixedString32Bytes ReadFixedString32()
        {
            FixedString32Bytes text = default(FixedString32Bytes);
            text.Length = ReadFixedStringUnsafe(text.GetUnsafePtr(), FixedString.Max32);
            return text;
        }

        /// <summary>Reads a text of at most 61 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text; an empty one past the end.</returns>
        public FixedString64Bytes ReadFixedString64()
        {
            FixedString64Bytes text = default(FixedString64Bytes);
            text.Length = ReadFixedStringUnsafe(text.GetUnsafePtr(), FixedString.Max64);
            return text;
        }

        /// <summary>Reads a text of at most 125 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text; an empty one past the end.</returns>
        public FixedString128Bytes ReadFixedString128()
        {
            FixedString128Bytes text = default(FixedString128Bytes);
            text.Length = ReadFixedStringUnsafe(text.GetUnsafePtr(), FixedString.Max128);
            return text;
        }

        /// <summary>Reads a text of at most 509 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text; an empty one past the end.</returns>
        public FixedString512Bytes ReadFixedString512()
        {
            FixedString512Bytes text = default(FixedString512Bytes);
            text.Length = ReadFixedStringUnsafe(text.GetUnsafePtr(), FixedString.Max512);
            return text;
        }

        /// <summary>Reads a text of at most 4093 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text; an empty one past the end.</returns>
        public FixedString4096Bytes ReadFixedString4096()
        {
            FixedString4096Bytes text = default(FixedString4096Bytes);
            text.Length = ReadFixedStringUnsafe(text.GetUnsafePtr(), FixedString.Max4096);
            return text;
        }

        /// <summary>Reads a text of at most 29 bytes that was packed against the same baseline; a
        /// longer one gives an empty text.</summary>
        /// <param name="baseline">The text that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The text; an empty one past the end.</returns>
        public FixedString32Bytes ReadPackedFixedString32Delta(
            FixedString32Bytes baseline, in StreamCompressionModel model)
        {
            FixedString32Bytes text = default(FixedString32Bytes);
            text.Length = ReadPackedFixedStringDeltaUnsafe(
                text.GetUnsafePtr(), FixedString.Max32, baseline.GetUnsafePtr(),
                (ushort)baseline.Length, model);
            return text;
        }

        /// <summary>Reads a text of at most 61 bytes that was packed against the same baseline; a
        /// longer one gives an empty text.</summary>
        /// <param name="baseline">The text that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The text; an empty one past the end.</returns>
        public FixedString64Bytes ReadPackedFixedString64Delta(
            FixedString64Bytes baseline, in StreamCompressionModel model)
        {
            FixedString64Bytes text = default(FixedString64Bytes);
            text.Length = ReadPackedFixedStringDeltaUnsafe(
                text.GetUnsafePtr(), FixedString.Max64, baseline.GetUnsafePtr(),
                (ushort)baseline.Length, model);
            return text;
        }

        /// <summary>Reads a text of at most 125 bytes that was packed against the same baseline; a
        /// longer one gives an empty text.</summary>
        /// <param name="baseline">The text that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The text; an empty one past the end.</returns>
        public FixedString128Bytes ReadPackedFixedString128Delta(
            FixedString128Bytes baseline, in StreamCompressionModel model)
        {
            FixedString128Bytes text = default(FixedString128Bytes);
            text.Length = ReadPackedFixedStringDeltaUnsafe(
                text.GetUnsafePtr(), FixedString.Max128, baseline.GetUnsafePtr(),
                (ushort)baseline.Length, model);
            return text;
        }

        /// <summary>Reads a text of at most 509 bytes that was packed against the same baseline; a
        /// longer one gives an empty text.</summary>
        /// <param name="baseline">The text that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The text; an empty one past the end.</returns>
        public FixedString512Bytes ReadPackedFixedString512Delta(
            FixedString512Bytes baseline, in StreamCompressionModel model)
        {
            FixedString512Bytes text = default(FixedString512Bytes);
            text.Length = ReadPackedFixedStringDeltaUnsafe(
                text.GetUnsafePtr(), FixedString.Max512, baseline.GetUnsafePtr(),
                (ushort)baseline.Length, model);
            return text;
        }

        /// <summary>Reads a text of at most 4093 bytes that was packed against the same baseline; a
        /// longer one gives an empty text.</summary>
        /// <param name="baseline">The text that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The text; an empty one past the end.</returns>
        public FixedString4096Bytes ReadPackedFixedString4096Delta(
            FixedString4096Bytes baseline, in StreamCompressionModel model)
        {
            FixedString4096Bytes text = default(FixedString4096Bytes);
            text.Length = ReadPackedFixedStringDeltaUnsafe(
                text.GetUnsafePtr(), FixedString.Max4096, baseline.GetUnsafePtr(),
                (ushort)baseline.Length, model);
            return text;
        }
    }
}
#endif
