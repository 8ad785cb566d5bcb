namespace NetDriver
{
    /// <summary>The kind of an address.</summary>
    public enum NetworkFamily
    {
        /// <summary>Not an address.</summary>
        Invalid = 0,
        /// <summary>IPv4.</summary>
        Ipv4 = 2,
        /// <summary>IPv6.</summary>
        Ipv6 = 23,
        /// <summary>Up to 60 bytes that only a custom interface understands.</summary>
        Custom = 255,
    }
}
