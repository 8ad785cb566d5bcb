using System;
using System.Text;

namespace NetDriver
{
    /// <summary>
    /// The most UTF-8 bytes in Unity's fixed strings: 2 bytes of their size hold the length, and
    /// one the NUL at the end.
    /// </summary>
    internal static unsafe class FixedString
    {
        internal const int Max32 = 29;
        internal const int Max64 = 61;
        internal const int Max128 = 125;
        internal const int Max512 = 509;
        internal const int Max4096 = 4093;

        // Writes a text's UTF-8 bytes; how many, or -1 when there are more than fit.
        internal static int ToBytes(string value, byte* bytes, int most)
        {
            if (string.IsNullOrEmpty(value))
                return 0;
            if (Encoding.UTF8.GetByteCount(value) > most)
                return -1;
            fixed (char* text = value)
                return Encoding.UTF8.GetBytes(text, value.Length, bytes, most);
        }

        // As ToBytes, for the text that both sides know.
        internal static int Baseline(string value, byte* bytes, int most)
        {
            int length = ToBytes(value, bytes, most);
            if (length < 0)
                throw new ArgumentOutOfRangeException("baseline");
            return length;
        }
    }
}
