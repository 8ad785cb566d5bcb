using System;
using System.Runtime.InteropServices;

namespace NetDriver
{
    /// <summary>
    /// A connection: 8 bytes, a value to copy freely. A stale one is a status number, never another
    /// connection. The default value is no connection.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    public partial struct NetworkConnection : IEquatable<NetworkConnection>
    {
        // In this order the 8 bytes are the ABI's nd_connection, little endian: driver << 56 |
        // version << 32 | id.
        private int m_Id;
        private int m_Version;

        /// <summary>What a connection is doing.</summary>
        public enum State
        {
            /// <summary>Closed, closing, or not a connection.</summary>
            Disconnected = 0,
            /// <summary>
            /// Closed on this side, which waits for the end; only with
            /// <see cref="NetDriverParameter.localCloseEvents"/>.
            /// </summary>
            Disconnecting = 1,
            /// <summary>Waiting for the peer.</summary>
            Connecting = 2,
            /// <summary>Established.</summary>
            Connected = 3,
        }

        /// <summary>Is this a connection of some driver (perhaps one that ended)?</summary>
        public bool IsCreated
        {
            get { return m_Version != 0; }
        }

        /// <summary>
        /// The slot of the connection in its driver; reused with another version.
        /// </summary>
        public int InternalId
        {
            get { return m_Id; }
        }

        /// <summary>Tells the connections apart that used one slot after another.</summary>
        public int Version
        {
            get { return m_Version & 0xFFFFFF; }
        }

        /// <summary>The number of its driver in a <see cref="MultiNetworkDriver"/>; 0 when it is in
        /// none.</summary>
        public int DriverId
        {
            get { return (int)((uint)m_Version >> 24); }
        }

        internal ulong Value
        {
            get { return ((ulong)(uint)m_Version << 32) | (uint)m_Id; }
        }

        internal static NetworkConnection FromValue(ulong value)
        {
            NetworkConnection connection;
            connection.m_Id = (int)(uint)value;
            connection.m_Version = (int)(uint)(value >> 32);
            return connection;
        }

        /// <summary>Closes the connection; see <see cref="NetworkDriver.Disconnect"/>.</summary>
        /// <param name="driver">The driver of the connection.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Disconnect(NetworkDriver driver)
        {
            return driver.Disconnect(this);
        }

        /// <summary>Closes the connection; see <see cref="NetworkDriver.Disconnect"/>.</summary>
        /// <param name="driver">The driver of the connection.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Close(NetworkDriver driver)
        {
            return driver.Disconnect(this);
        }

        /// <summary>
        /// Closes the connection with a close code and a reason; see
        /// <see cref="NetworkDriver.Close(NetworkConnection, int, string)"/>.
        /// </summary>
        /// <param name="driver">The driver of the connection.</param>
        /// <param name="code">The close code.</param>
        /// <param name="reason">The reason; at most 123 bytes of UTF-8.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int Close(NetworkDriver driver, int code, string reason)
        {
            return driver.Close(this, code, reason);
        }

        /// <summary>What the connection is doing.</summary>
        /// <param name="driver">The driver of the connection.</param>
        /// <returns>The state; Disconnected for a stale connection.</returns>
        public State GetState(NetworkDriver driver)
        {
            return driver.GetConnectionState(this);
        }

        /// <summary>Pops the oldest event of this connection.</summary>
        /// <param name="driver">The driver of the connection.</param>
        /// <param name="reader">The event's bytes, until the next update.</param>
        /// <returns>The kind of event; Empty when none waits.</returns>
        public NetworkEvent.Type PopEvent(NetworkDriver driver, out DataStreamReader reader)
        {
            return driver.PopEventForConnection(this, out reader);
        }

        /// <summary>Pops the oldest event of this connection.</summary>
        /// <param name="driver">The driver of the connection.</param>
        /// <param name="reader">The event's bytes, until the next update.</param>
        /// <param name="pipeline">The pipeline that a message came through.</param>
        /// <returns>The kind of event; Empty when none waits.</returns>
        public NetworkEvent.Type PopEvent(
            NetworkDriver driver, out DataStreamReader reader, out NetworkPipeline pipeline)
        {
            return driver.PopEventForConnection(this, out reader, out pipeline);
        }

        /// <summary>Are both one connection?</summary>
        public static bool operator ==(NetworkConnection left, NetworkConnection right)
        {
            return left.m_Id == right.m_Id && left.m_Version == right.m_Version;
        }

        /// <summary>Are they different connections?</summary>
        public static bool operator !=(NetworkConnection left, NetworkConnection right)
        {
            return !(left == right);
        }

        /// <inheritdoc/>
        public bool Equals(NetworkConnection other)
        {
            return this == other;
        }

        /// <inheritdoc/>
        public override bool Equals(object other)
        {
            return other is NetworkConnection && this == (NetworkConnection)other;
        }

        /// <inheritdoc/>
        public override int GetHashCode()
        {
            return (m_Id << 8) ^ m_Version;
        }

        /// <summary>Such as "NetworkConnection[id0,v1]".</summary>
        public override string ToString()
        {
            return "NetworkConnection[id" + m_Id + ",v" + Version + "]"
                + (DriverId == 0 ? string.Empty : "@" + DriverId);
        }
    }
}
