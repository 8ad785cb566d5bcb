using System;
using System.Collections.Generic;
using System.Text;

namespace NetDriver.Interop
{
    /// <summary>Text between C# and the library.</summary>
    internal static unsafe class Utf8
    {
        /// <summary>UTF-8 with a NUL at the end; null stays null.</summary>
        internal static byte[] NulEnded(string text, string parameterName)
        {
            if (text == null)
                return null;
            if (text.IndexOf('\0') >= 0)
                throw new ArgumentException("The text contains a NUL character.", parameterName);
            byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
            Encoding.UTF8.GetBytes(text, 0, text.Length, bytes, 0);
            return bytes;
        }

        /// <summary>Like <see cref="NulEnded"/>, for a text that must be there.</summary>
        internal static byte[] Required(string text, string parameterName)
        {
            if (text == null)
                throw new ArgumentNullException(parameterName);
            return NulEnded(text, parameterName);
        }

        /// <summary>
        /// UTF-8 in memory of this thread, which its next call overwrites: no garbage once it is
        /// large enough.
        /// </summary>
        internal static byte[] InThread(string text, out int count)
        {
            int most = Encoding.UTF8.GetMaxByteCount(text.Length);
            if (t_Bytes == null || t_Bytes.Length < most)
                t_Bytes = new byte[most];
            count = Encoding.UTF8.GetBytes(text, 0, text.Length, t_Bytes, 0);
            return t_Bytes;
        }

        /// <summary>
        /// Joins items into one comma-separated text; null and nothing give null.
        /// </summary>
        internal static byte[] CommaSeparated(string[] items, string parameterName)
        {
            if (items == null || items.Length == 0)
                return null;
            foreach (string item in items)
            {
                if (string.IsNullOrEmpty(item) || item.IndexOf(',') >= 0)
                    throw new ArgumentException(
                        "An item is empty or contains a comma.", parameterName);
            }
            return NulEnded(string.Join(",", items), parameterName);
        }

        /// <summary>Header fields as lines; null and nothing give null.</summary>
        internal static byte[] HeaderLines(
            IDictionary<string, string> headers, string parameterName)
        {
            if (headers == null || headers.Count == 0)
                return null;
            StringBuilder lines = new StringBuilder();
            foreach (KeyValuePair<string, string> header in headers)
            {
                string value = header.Value ?? string.Empty;
                if (header.Key.IndexOfAny(s_NotInNames) >= 0
                    || value.IndexOfAny(s_NotInValues) >= 0)
                    throw new ArgumentException(
                        "A header contains a line end, or a colon in its name.", parameterName);
                lines.Append(header.Key).Append(": ").Append(value).Append('\n');
            }
            return NulEnded(lines.ToString(), parameterName);
        }

        internal static string Read(byte* bytes, int length)
        {
            return length == 0 ? string.Empty : Encoding.UTF8.GetString(bytes, length);
        }

        internal static string ReadNulEnded(byte* bytes)
        {
            if (bytes == null)
                return string.Empty;
            int length = 0;
            while (bytes[length] != 0)
                length++;
            return Read(bytes, length);
        }

        [ThreadStatic]
        private static byte[] t_Bytes;
        private static readonly char[] s_NotInNames = { '\r', '\n', ':' };
        private static readonly char[] s_NotInValues = { '\r', '\n' };
    }
}
