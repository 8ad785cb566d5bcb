namespace NetDriver
{
    /// <summary>The texts of a WebSocket connection, or of a request for one.</summary>
    public enum ConnectionText
    {
        /// <summary>The path that the client asked for, without the query.</summary>
        Path = 1,
        /// <summary>The query, without the question mark.</summary>
        Query = 2,
        /// <summary>The agreed sub-protocol; empty when there is none.</summary>
        SubProtocol = 3,
        /// <summary>All headers of the request, one "Name: value" line each.</summary>
        Headers = 4,
        /// <summary>
        /// The agreed extensions, as the header of the server's answer names them; empty when there
        /// are none.
        /// </summary>
        Extensions = 5,
        /// <summary>The method of the HTTP request ("GET").</summary>
        Method = 6,
        /// <summary>The Origin that a browser names; empty on a client.</summary>
        Origin = 7,
        /// <summary>
        /// The cookies, one "name=value" line each; empty on a client.
        /// </summary>
        Cookies = 8,
        /// <summary>
        /// The sub-protocols that the client offers, comma-separated, best first; empty on a
        /// client.
        /// </summary>
        SubProtocolsOffered = 9,
        /// <summary>The Host that the client asked for.</summary>
        Host = 10,
        /// <summary>
        /// The URL that the client asked for; "wss" when it uses TLS, if only up to a trusted proxy
        /// that says so. On a client the last one after redirects, without user and password.
        /// </summary>
        Url = 11,
        /// <summary>The version of TLS, "TLSv1.2" or "TLSv1.3"; empty without TLS.</summary>
        TlsVersion = 12,
        /// <summary>The cipher suite of TLS; empty without TLS.</summary>
        TlsCipher = 13,
        /// <summary>The host name that the client asked for in TLS; may be empty.</summary>
        TlsServerName = 14,
        /// <summary>The certificate that the peer showed, as PEM; empty when none.</summary>
        TlsPeerCertificate = 15,
    }
}
