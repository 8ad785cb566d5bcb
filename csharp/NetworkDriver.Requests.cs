using System.Collections.Generic;
using NetDriver.Interop;

namespace NetDriver
{
    public unsafe partial struct NetworkDriver
    {
        /// <summary>
        /// Takes the oldest upgrade request that waits, on interfaces with
        /// <see cref="WebSocketNetworkInterface.AcceptRequests"/>.
        /// </summary>
        /// <param name="request">The request; the default value when none waits.</param>
        /// <returns>Was there one?</returns>
        public bool PopRequest(out ConnectionRequest request)
        {
            nd_request native;
            NativeMethods.nd_request_init(&native);
            NativeMethods.nd_driver_pop_request(Handle, &native);
            request = default(ConnectionRequest);
            if (native.id == 0)
                return false;
            request.m_Native = native;
            request.m_Driver = this;
            return true;
        }

        internal string GetRequestText(ulong request, ConnectionText kind)
        {
            uint length = 0;
            NativeMethods.nd_driver_request_text(Handle, request, (uint)kind, null, 0, &length);
            if (length == 0)
                return string.Empty;
            byte[] buffer = new byte[length + 1];
            fixed (byte* bytes = buffer)
            {
                int result = NativeMethods.nd_driver_request_text(
                    Handle, request, (uint)kind, bytes, length + 1, &length);
                return result == NativeMethods.ND_OK ? Utf8.Read(bytes, (int)length) : string.Empty;
            }
        }

        internal string GetRequestHeader(ulong request, string name)
        {
            fixed (byte* nativeName = Utf8.Required(name, "name"))
            {
                uint length = 0;
                int result = NativeMethods.nd_driver_request_header(
                    Handle, request, nativeName, null, 0, &length);
                if (result != NativeMethods.ND_OK)
                    return null;
                byte[] buffer = new byte[length + 1];
                fixed (byte* bytes = buffer)
                {
                    result = NativeMethods.nd_driver_request_header(
                        Handle, request, nativeName, bytes, length + 1, &length);
                    return result == NativeMethods.ND_OK ? Utf8.Read(bytes, (int)length) : null;
                }
            }
        }

        internal string GetRequestCookie(ulong request, string name)
        {
            fixed (byte* nativeName = Utf8.Required(name, "name"))
            {
                uint length = 0;
                int result = NativeMethods.nd_driver_request_cookie(
                    Handle, request, nativeName, null, 0, &length);
                if (result != NativeMethods.ND_OK)
                    return null;
                byte[] buffer = new byte[length + 1];
                fixed (byte* bytes = buffer)
                {
                    result = NativeMethods.nd_driver_request_cookie(
                        Handle, request, nativeName, bytes, length + 1, &length);
                    return result == NativeMethods.ND_OK ? Utf8.Read(bytes, (int)length) : null;
                }
            }
        }

        internal int AcceptRequest(
            ulong request, string subProtocol, IDictionary<string, string> headers)
        {
            fixed (byte* name = Utf8.NulEnded(subProtocol, "subProtocol"))
            fixed (byte* lines = Utf8.HeaderLines(headers, "headers"))
                return NativeMethods.nd_driver_request_accept(Handle, request, name, lines);
        }

        internal int RejectRequest(
            ulong request, int status, IDictionary<string, string> headers, byte[] body)
        {
            fixed (byte* lines = Utf8.HeaderLines(headers, "headers"))
            fixed (byte* bytes = body)
                return NativeMethods.nd_driver_request_reject(
                    Handle, request, (uint)status, lines, bytes, LengthOf(body));
        }
    }
}
