namespace NetDriver
{
    /// <summary>The kinds of interfaces.</summary>
    public enum NetworkInterfaceKind
    {
        /// <summary>UDP datagrams.</summary>
        Udp = 1,
        /// <summary>WebSocket over TCP.</summary>
        WebSocket = 2,
        /// <summary>In process, between drivers of one program.</summary>
        Ipc = 3,
        /// <summary>TCP: packets with a length in front, with or without TLS.</summary>
        Tcp = 4,
        /// <summary>What the program brings: <see cref="CustomNetworkInterface"/>.</summary>
        Custom = 5,
    }
}
