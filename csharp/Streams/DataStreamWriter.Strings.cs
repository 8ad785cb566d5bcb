using System;
using System.Text;
#if UNITY_5_3_OR_NEWER
#pragma warning disable 162, 429, 1720 // what is for arrays alone
#endif

namespace NetDriver
{
    // Strings: as they are, and packed against one that the reader knows.
    public unsafe partial struct DataStreamWriter
    {
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

        /// <summary>
        /// Writes a text's UTF-8 bytes: 2 bytes length, then the bytes. More than 65535 count as
        /// a failed write.
        /// </summary>
        /// <param name="array">The bytes.</param>
        /// <returns>Did they fit?</returns>
        public bool WriteFixedString(byte[] array)
        {
            if (array == null)
                throw new ArgumentNullException("array");
            fixed (byte* bytes = array)
                return WriteTextBytes(bytes, array.Length);
        }

        /// <summary>
        /// Packs a text against one that the reader knows. One of more than 29 bytes counts as a
        /// failed write.
        /// </summary>
        /// <param name="value">The text; null is written as an empty one.</param>
        /// <param name="baseline">The text that the reader knows, of at most 29 bytes.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFixedString32Delta(
            string value, string baseline, in StreamCompressionModel model)
        {
            byte* text = stackalloc byte[FixedString.Max32];
            byte* old = stackalloc byte[FixedString.Max32];
            int oldLength = FixedString.Baseline(baseline, old, FixedString.Max32);
            int length = FixedString.ToBytes(value, text, FixedString.Max32);
            return length < 0 ? Fail() : WritePackedText(text, length, old, oldLength);
        }

        /// <summary>
        /// Packs a text against one that the reader knows. One of more than 61 bytes counts as a
        /// failed write.
        /// </summary>
        /// <param name="value">The text; null is written as an empty one.</param>
        /// <param name="baseline">The text that the reader knows, of at most 61 bytes.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFixedString64Delta(
            string value, string baseline, in StreamCompressionModel model)
        {
            byte* text = stackalloc byte[FixedString.Max64];
            byte* old = stackalloc byte[FixedString.Max64];
            int oldLength = FixedString.Baseline(baseline, old, FixedString.Max64);
            int length = FixedString.ToBytes(value, text, FixedString.Max64);
            return length < 0 ? Fail() : WritePackedText(text, length, old, oldLength);
        }

        /// <summary>
        /// Packs a text against one that the reader knows. One of more than 125 bytes counts as a
        /// failed write.
        /// </summary>
        /// <param name="value">The text; null is written as an empty one.</param>
        /// <param name="baseline">The text that the reader knows, of at most 125 bytes.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFixedString128Delta(
            string value, string baseline, in StreamCompressionModel model)
        {
            byte* text = stackalloc byte[FixedString.Max128];
            byte* old = stackalloc byte[FixedString.Max128];
            int oldLength = FixedString.Baseline(baseline, old, FixedString.Max128);
            int length = FixedString.ToBytes(value, text, FixedString.Max128);
            return length < 0 ? Fail() : WritePackedText(text, length, old, oldLength);
        }

        /// <summary>
        /// Packs a text against one that the reader knows. One of more than 509 bytes counts as a
        /// failed write.
        /// </summary>
        /// <param name="value">The text; null is written as an empty one.</param>
        /// <param name="baseline">The text that the reader knows, of at most 509 bytes.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFixedString512Delta(
            string value, string baseline, in StreamCompressionModel model)
        {
            byte* text = stackalloc byte[FixedString.Max512];
            byte* old = stackalloc byte[FixedString.Max512];
            int oldLength = FixedString.Baseline(baseline, old, FixedString.Max512);
            int length = FixedString.ToBytes(value, text, FixedString.Max512);
            return length < 0 ? Fail() : WritePackedText(text, length, old, oldLength);
        }

        /// <summary>
        /// Packs a text against one that the reader knows. One of more than 4093 bytes counts as a
        /// failed write.
        /// </summary>
        /// <param name="value">The text; null is written as an empty one.</param>
        /// <param name="baseline">The text that the reader knows, of at most 4093 bytes.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFixedString4096Delta(
            string value, string baseline, in StreamCompressionModel model)
        {
            byte* text = stackalloc byte[FixedString.Max4096];
            byte* old = stackalloc byte[FixedString.Max4096];
            int oldLength = FixedString.Baseline(baseline, old, FixedString.Max4096);
            int length = FixedString.ToBytes(value, text, FixedString.Max4096);
            return length < 0 ? Fail() : WritePackedText(text, length, old, oldLength);
        }

        /// <summary>
        /// Packs a text's UTF-8 bytes against those that the reader knows. More than 65535 count
        /// as a failed write.
        /// </summary>
        /// <param name="data">The bytes.</param>
        /// <param name="baseData">The bytes that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did they fit?</returns>
        public bool WritePackedFixedStringDelta(
            byte[] data, byte[] baseData, in StreamCompressionModel model)
        {
            if (data == null)
                throw new ArgumentNullException("data");
            if (baseData == null)
                throw new ArgumentNullException("baseData");
            if (data.Length > ushort.MaxValue || baseData.Length > ushort.MaxValue)
                return Fail();
            fixed (byte* text = data, old = baseData)
                return WritePackedText(text, data.Length, old, baseData.Length);
        }

        private bool WritePackedText(byte* text, int length, byte* old, int oldLength)
        {
            int firstCount, count;
            ulong first = StreamCompressionModel.Encode(
                StreamCompressionModel.ZigZag(oldLength - length), out firstCount);
            long bits = firstCount;
            for (int i = 0; i < length; i++)
            {
                PackedByte(text, i, old, oldLength, out count);
                bits += count;
            }
            if (!Fits(bits))
                return false;
            Push(first, firstCount);
            for (int i = 0; i < length; i++)
                Push(PackedByte(text, i, old, oldLength, out count), count);
            return true;
        }

        private static ulong PackedByte(
            byte* text, int index, byte* old, int oldLength, out int count)
        {
            uint value = index < oldLength
                ? StreamCompressionModel.ZigZag(old[index] - text[index]) : text[index];
            return StreamCompressionModel.Encode(value, out count);
        }

        private bool WriteTextBytes(byte* bytes, int count)
        {
            if (count > ushort.MaxValue)
                return Fail();
            return Align(sizeof(ushort) + count) && Put16((ushort)count)
                && WriteBytesUnsafe(bytes, count);
        }

        private bool WriteText(string value, int most)
        {
            int count = string.IsNullOrEmpty(value) ? 0 : Encoding.UTF8.GetByteCount(value);
            if (count > most)
                return Fail();
            if (!Align(sizeof(ushort) + count))
                return false;
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
    }
}
