using System;
using System.Threading;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// A way for packets to travel that the program brings: whole datagrams of at most
    /// maxMessageSize bytes, which may be lost, doubled or overtaken, between endpoints that only
    /// it understands (<see cref="NetworkFamily.Custom"/> with up to 60 bytes, IPv4 or IPv6). Its
    /// connections speak the connection protocol, like those over UDP.
    /// </summary>
    /// <remarks>
    /// Its methods run inside calls and jobs of the driver, one at a time, on the thread that makes
    /// the call or runs the job; with <see cref="NetDriverParameter.backgroundPump"/> also on the
    /// library's thread. They must not wait and must not call the driver, except
    /// <see cref="Wake"/>. An exception is kept in <see cref="LastException"/> and counts as a
    /// failure. An object serves one driver.
    /// </remarks>
    public abstract class CustomNetworkInterface : INetworkInterface
    {
        private long m_Driver;

        /// <summary>What the last method that threw has thrown; null: none has.</summary>
        public Exception LastException { get; internal set; }

        /// <inheritdoc/>
        public NetworkInterfaceDescription Describe()
        {
            return new NetworkInterfaceDescription { Kind = NetworkInterfaceKind.Custom };
        }

        /// <summary>Takes an address, once.</summary>
        /// <param name="endpoint">
        /// What is wanted; one that is not valid stands for any: a client connects without having
        /// bound the interface.
        /// </param>
        /// <param name="local">What the address is now.</param>
        /// <returns>0, or a negative number to fail Bind or Connect.</returns>
        protected internal virtual int Bind(NetworkEndpoint endpoint, out NetworkEndpoint local)
        {
            local = endpoint;
            return 0;
        }

        /// <summary>Connection requests are welcome from here on.</summary>
        /// <returns>0, or a negative number to fail Listen.</returns>
        protected internal virtual int Listen()
        {
            return 0;
        }

        /// <summary>
        /// Adds what has arrived, until nothing is left or the packets are full; then it is called
        /// again. Called by each update, and while the driver waits.
        /// </summary>
        /// <param name="packets">Room for datagrams.</param>
        /// <returns>
        /// 0, or a negative number when receiving has failed: the update reports
        /// <see cref="Error.StatusCode.NetworkSocketError"/> and nothing else changes.
        /// </returns>
        protected internal abstract int Receive(ref IncomingPackets packets);

        /// <summary>
        /// Sends datagrams, from the first on. Those that are not <see
        /// cref="OutgoingPackets.Taken"/> are offered again later.
        /// </summary>
        /// <param name="packets">The datagrams.</param>
        /// <returns>
        /// 0, or a negative number when sending has failed: the datagrams are lost, and the update
        /// reports <see cref="Error.StatusCode.NetworkSocketError"/>.
        /// </returns>
        protected internal abstract int Send(ref OutgoingPackets packets);

        /// <summary>The driver is disposed. Called once.</summary>
        protected internal virtual void Release()
        {
        }

        /// <summary>
        /// Wakes the driver from any thread: <see cref="NetworkDriver.Wait"/> that goes on, or the
        /// next one, looks at what has come.
        /// </summary>
        protected unsafe void Wake()
        {
            long driver = Interlocked.Read(ref m_Driver);
            // A driver that is gone is an error code, and there is nobody to wake.
            NativeMethods.nd_driver_wake((nd_driver*)driver);
        }

        internal unsafe void Attach(nd_driver* driver)
        {
            Interlocked.Exchange(ref m_Driver, (long)driver);
        }
    }
}
