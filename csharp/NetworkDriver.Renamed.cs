using System;

namespace NetDriver
{
    // Names of Unity Transport 1.x that 2.x still knows.
    public unsafe partial struct NetworkDriver
    {
        /// <summary>The peer's address.</summary>
        /// <param name="id">Which connection.</param>
        /// <returns>As <see cref="GetRemoteEndpoint"/>.</returns>
        [Obsolete("Renamed to GetRemoteEndpoint.")]
        public NetworkEndpoint RemoteEndPoint(NetworkConnection id)
        {
            return GetRemoteEndpoint(id);
        }

        /// <summary>The address that the first interface is bound to.</summary>
        /// <returns>As <see cref="GetLocalEndpoint()"/>.</returns>
        [Obsolete("Renamed to GetLocalEndpoint.")]
        public NetworkEndpoint LocalEndPoint()
        {
            return GetLocalEndpoint();
        }
    }
}
