using System;
using System.Collections.Generic;
using System.Text;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>What a connection to a ws:// URL asks for beyond the URL.</summary>
    public sealed class ConnectOptions
    {
        /// <summary>What to speak: Plain (default) or Utp.</summary>
        public WebSocketDialect Dialect { get; set; }

        /// <summary>Sub-protocols to offer, best first. Null: none.</summary>
        public string[] SubProtocols { get; set; }

        /// <summary>Further request headers. Null: none.</summary>
        public IDictionary<string, string> Headers { get; set; }

        /// <summary>UTP dialect: bytes for the server with the request. Null: none.</summary>
        public byte[] Payload { get; set; }

        /// <summary>
        /// Milliseconds that all of it may take, from the look-up of the name to the Connect event;
        /// 0 (default): no such limit. Each attempt to reach an address has handshakeTimeoutMS
        /// besides.
        /// </summary>
        public int ConnectDeadlineMS { get; set; }

        /// <summary>Options with the default values.</summary>
        public ConnectOptions()
        {
            Dialect = WebSocketDialect.Plain;
        }

        /// <summary>The headers as lines, for the ABI.</summary>
        internal byte[] HeaderLines()
        {
            if (Headers == null || Headers.Count == 0)
                return null;
            StringBuilder lines = new StringBuilder();
            foreach (KeyValuePair<string, string> header in Headers)
            {
                string value = header.Value ?? string.Empty;
                if (header.Key.IndexOfAny(s_NotInNames) >= 0
                    || value.IndexOfAny(s_NotInValues) >= 0)
                    throw new ArgumentException(
                        "A header contains a line end, or a colon in its name.", "Headers");
                lines.Append(header.Key).Append(": ").Append(value).Append('\n');
            }
            return Utf8.NulEnded(lines.ToString(), "Headers");
        }

        private static readonly char[] s_NotInNames = { '\r', '\n', ':' };
        private static readonly char[] s_NotInValues = { '\r', '\n' };
    }
}
