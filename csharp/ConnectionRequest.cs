using System.Collections.Generic;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// A client that asks to connect, on an interface with
    /// <see cref="WebSocketNetworkInterface.AcceptRequests"/>. Answer it at once or later, until
    /// <see cref="RemainingMS"/> are over; then it is answered with 503. When its client leaves
    /// before, the calls with it give <see cref="Error.StatusCode.NetworkVersionMismatch"/>.
    /// </summary>
    public struct ConnectionRequest
    {
        internal nd_request m_Native;
        internal NetworkDriver m_Driver;

        /// <summary>Is it a request, and not the default value?</summary>
        public bool IsCreated
        {
            get { return m_Native.id != 0; }
        }

        /// <summary>Names the request in its driver.</summary>
        public ulong Id
        {
            get { return m_Native.id; }
        }

        /// <summary>Number of the interface, as AddInterface gave it.</summary>
        public int InterfaceIndex
        {
            get { return (int)m_Native.interface_index; }
        }

        /// <summary>Milliseconds that were left when it was popped.</summary>
        public int RemainingMS
        {
            get { return (int)m_Native.remaining_ms; }
        }

        /// <summary>The client's address, behind trusted proxies too.</summary>
        public NetworkEndpoint RemoteEndpoint
        {
            get { return new NetworkEndpoint(m_Native.remote); }
        }

        /// <summary>The address of the socket's other end: of the proxy, else of the
        /// client.</summary>
        public NetworkEndpoint PeerEndpoint
        {
            get { return new NetworkEndpoint(m_Native.peer); }
        }

        /// <summary>The address of this side.</summary>
        public NetworkEndpoint LocalEndpoint
        {
            get { return new NetworkEndpoint(m_Native.local); }
        }

        /// <summary>Is the stream itself encrypted?</summary>
        public bool IsTls
        {
            get { return (m_Native.flags & NativeMethods.ND_REQUEST_FLAG_TLS) != 0; }
        }

        /// <summary>Does a trusted proxy say that the client came to it over TLS?</summary>
        public bool IsForwardedTls
        {
            get { return (m_Native.flags & NativeMethods.ND_REQUEST_FLAG_FORWARDED_TLS) != 0; }
        }

        /// <summary>The path that the client asks for, without the query.</summary>
        public string Path
        {
            get { return GetText(ConnectionText.Path); }
        }

        /// <summary>The Origin that a browser names; empty for other clients.</summary>
        public string Origin
        {
            get { return GetText(ConnectionText.Origin); }
        }

        /// <summary>A text of the request.</summary>
        /// <param name="kind">Which text.</param>
        /// <returns>The text; empty where there is none, and when the request is stale.</returns>
        public string GetText(ConnectionText kind)
        {
            return m_Driver.GetRequestText(Id, kind);
        }

        /// <summary>One header of the request.</summary>
        /// <param name="name">The header's name, in any case.</param>
        /// <returns>The value; null when there is no such header.</returns>
        public string GetHeader(string name)
        {
            return m_Driver.GetRequestHeader(Id, name);
        }

        /// <summary>One cookie of the request, as it was sent.</summary>
        /// <param name="name">The cookie's name; case counts.</param>
        /// <returns>The value; null when there is no such cookie.</returns>
        public string GetCookie(string name)
        {
            return m_Driver.GetRequestCookie(Id, name);
        }

        /// <summary>
        /// Accepts: the connection comes out of <see cref="NetworkDriver.Accept()"/> as any other.
        /// </summary>
        /// <param name="subProtocol">One that the client offers; empty for none; null leaves the
        /// choice to the interface.</param>
        /// <param name="headers">Further header fields of the answer; null for none.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; after InvalidArgument the
        /// request still waits.</returns>
        public int Accept(string subProtocol = null, IDictionary<string, string> headers = null)
        {
            return m_Driver.AcceptRequest(Id, subProtocol, headers);
        }

        /// <summary>Refuses with an answer of the program's own.</summary>
        /// <param name="status">The HTTP status, 200 to 599, such as 403.</param>
        /// <param name="headers">Header fields of the answer; null for none.</param>
        /// <param name="body">The answer's body, at most 65536 bytes; null for none.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>; after InvalidArgument the
        /// request still waits.</returns>
        public int Reject(
            int status = 403, IDictionary<string, string> headers = null, byte[] body = null)
        {
            return m_Driver.RejectRequest(Id, status, headers, body);
        }
    }
}
