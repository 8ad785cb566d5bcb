namespace NetDriver
{
    // Packed numbers: Huffman codes and deltas.
    public unsafe partial struct DataStreamWriter
    {
        /// <summary>Packs a number: 2 bits for 0, 38 for the largest.</summary>
        /// <param name="value">The value.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedUInt(uint value, in StreamCompressionModel model)
        {
            int count;
            ulong bits = StreamCompressionModel.Encode(value, out count);
            return Fits(count) && Push(bits, count);
        }

        /// <summary>Packs a number, small ones of either sign short: 2 to 38 bits.</summary>
        /// <param name="value">The value.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedInt(int value, in StreamCompressionModel model)
        {
            return WritePackedUInt(StreamCompressionModel.ZigZag(value), model);
        }

        /// <summary>Packs a number, its low half first: 4 to 76 bits.</summary>
        /// <param name="value">The value.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedULong(ulong value, in StreamCompressionModel model)
        {
            int lowCount, highCount;
            ulong low = StreamCompressionModel.Encode((uint)value, out lowCount);
            ulong high = StreamCompressionModel.Encode((uint)(value >> 32), out highCount);
            return Fits(lowCount + highCount) && Push(low, lowCount) && Push(high, highCount);
        }

        /// <summary>Packs a number, small ones of either sign short: 4 to 76 bits.</summary>
        /// <param name="value">The value.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedLong(long value, in StreamCompressionModel model)
        {
            return WritePackedULong(StreamCompressionModel.ZigZag(value), model);
        }

        /// <summary>Packs a number: 1 bit for 0 (-0 is read as 0), 33 for others.</summary>
        /// <param name="value">The value.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFloat(float value, in StreamCompressionModel model)
        {
            return WritePackedFloatDelta(value, 0.0f, model);
        }

        /// <summary>Packs a number: 1 bit for 0 (-0 is read as 0), 65 for others.</summary>
        /// <param name="value">The value.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedDouble(double value, in StreamCompressionModel model)
        {
            return WritePackedDoubleDelta(value, 0.0, model);
        }

        /// <summary>
        /// Packs by how much a number is below a baseline that the reader knows (wrapping).
        /// </summary>
        /// <param name="value">The value.</param>
        /// <param name="baseline">A value that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedUIntDelta(uint value, uint baseline, in StreamCompressionModel model)
        {
            return WritePackedInt(unchecked((int)(baseline - value)), model);
        }

        /// <summary>
        /// Packs by how much a number is below a baseline that the reader knows (wrapping).
        /// </summary>
        /// <param name="value">The value.</param>
        /// <param name="baseline">A value that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedIntDelta(int value, int baseline, in StreamCompressionModel model)
        {
            return WritePackedInt(unchecked(baseline - value), model);
        }

        /// <summary>
        /// Packs by how much a number is below a baseline that the reader knows (wrapping).
        /// </summary>
        /// <param name="value">The value.</param>
        /// <param name="baseline">A value that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedULongDelta(
            ulong value, ulong baseline, in StreamCompressionModel model)
        {
            return WritePackedLong(unchecked((long)(baseline - value)), model);
        }

        /// <summary>
        /// Packs by how much a number is below a baseline that the reader knows (wrapping).
        /// </summary>
        /// <param name="value">The value.</param>
        /// <param name="baseline">A value that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedLongDelta(long value, long baseline, in StreamCompressionModel model)
        {
            return WritePackedLong(unchecked(baseline - value), model);
        }

        /// <summary>
        /// Packs a number: 1 bit where it equals a baseline that the reader knows, else 33.
        /// </summary>
        /// <param name="value">The value.</param>
        /// <param name="baseline">A value that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedFloatDelta(
            float value, float baseline, in StreamCompressionModel model)
        {
            if (value == baseline)
                return Fits(1) && Push(0, 1);
            uint bits = *(uint*)&value;
            return Fits(1 + 32) && Push((ulong)bits << 1 | 1, 1 + 32);
        }

        /// <summary>
        /// Packs a number: 1 bit where it equals a baseline that the reader knows, else 65.
        /// </summary>
        /// <param name="value">The value.</param>
        /// <param name="baseline">A value that the reader knows.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>Did it fit?</returns>
        public bool WritePackedDoubleDelta(
            double value, double baseline, in StreamCompressionModel model)
        {
            if (value == baseline)
                return Fits(1) && Push(0, 1);
            ulong bits = *(ulong*)&value;
            return Fits(1 + 64) && Push((bits & uint.MaxValue) << 1 | 1, 1 + 32)
                && Push(bits >> 32, 32);
        }
    }
}
