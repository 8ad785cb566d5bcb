namespace NetDriver
{
    /// <summary>The oldest version of TLS that is spoken.</summary>
    public enum TlsVersion
    {
        /// <summary>TLS 1.2.</summary>
        Tls12 = 12,
        /// <summary>TLS 1.3.</summary>
        Tls13 = 13,
    }
}
