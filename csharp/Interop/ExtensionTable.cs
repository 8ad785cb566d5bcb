using System;
using System.Runtime.InteropServices;

namespace NetDriver.Interop
{
    /// <summary>
    /// The functions that the library calls for extensions. What they are for is found by handles
    /// to this side's objects.
    /// </summary>
    internal static unsafe class ExtensionTable
    {
        private const int NotAgreed = 1010;
        private const int InternalError = 1011;

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate int Negotiate(
            void* user, int server, byte* parameters, byte* answer, uint capacity, void** session);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate int Transform(void* user, void* session, nd_extension_frame* frame);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate void Release(void* user, void* session);

        // The library holds pointers to these delegates.
        private static readonly Negotiate s_Negotiate = OnNegotiate;
        private static readonly Transform s_Encode = OnEncode;
        private static readonly Transform s_Decode = OnDecode;
        private static readonly Release s_Release = OnRelease;

        /// <summary>
        /// Registers an extension; the handle keeps it alive until the driver is gone.
        /// </summary>
        internal static int Add(
            nd_driver* driver, uint interfaceIndex, IWebSocketExtension extension,
            out GCHandle handle)
        {
            nd_extension table;
            NativeMethods.nd_extension_init(&table);
            table.reserved_bits = (uint)extension.ReservedBits;
            table.flags = extension.IsRequired ? NativeMethods.ND_EXTENSION_FLAG_REQUIRED : 0;
            table.negotiate = (void*)Marshal.GetFunctionPointerForDelegate(s_Negotiate);
            table.encode = (void*)Marshal.GetFunctionPointerForDelegate(s_Encode);
            table.decode = (void*)Marshal.GetFunctionPointerForDelegate(s_Decode);
            table.release = (void*)Marshal.GetFunctionPointerForDelegate(s_Release);
            byte[] name = Utf8.Required(extension.Name, "extension");
            byte[] offer = Utf8.NulEnded(extension.Offer, "extension");
            handle = GCHandle.Alloc(extension);
            table.user = (void*)GCHandle.ToIntPtr(handle);
            fixed (byte* nativeName = name)
            fixed (byte* nativeOffer = offer)
            {
                table.name = nativeName;
                table.offer = nativeOffer;
                return NativeMethods.nd_driver_add_extension(driver, interfaceIndex, &table);
            }
        }

        private static T Target<T>(void* handle)
            where T : class
        {
            return (T)GCHandle.FromIntPtr((IntPtr)handle).Target;
        }

        // An exception must not pass through the library's frames.
        [MonoPInvokeCallback(typeof(Negotiate))]
        private static int OnNegotiate(
            void* user, int server, byte* parameters, byte* answer, uint capacity, void** session)
        {
            try
            {
                IWebSocketExtension extension = Target<IWebSocketExtension>(user);
                string text = Utf8.ReadNulEnded(parameters);
                string reply = null;
                IWebSocketExtensionSession made =
                    server != 0 ? extension.Accept(text, out reply) : extension.Confirm(text);
                if (made == null)
                    return NotAgreed;
                byte[] bytes = Utf8.NulEnded(reply ?? string.Empty, "answer");
                if (server != 0 && bytes.Length > capacity)
                {
                    made.Release();
                    return NotAgreed;
                }
                if (server != 0)
                    Marshal.Copy(bytes, 0, (IntPtr)answer, bytes.Length);
                *session = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(made));
                return 0;
            }
            catch (Exception)
            {
                return NotAgreed;
            }
        }

        [MonoPInvokeCallback(typeof(Transform))]
        private static int OnEncode(void* user, void* session, nd_extension_frame* frame)
        {
            try
            {
                WebSocketFrame view = new WebSocketFrame(frame);
                return Target<IWebSocketExtensionSession>(session).Encode(ref view);
            }
            catch (Exception)
            {
                return InternalError;
            }
        }

        [MonoPInvokeCallback(typeof(Transform))]
        private static int OnDecode(void* user, void* session, nd_extension_frame* frame)
        {
            try
            {
                WebSocketFrame view = new WebSocketFrame(frame);
                return Target<IWebSocketExtensionSession>(session).Decode(ref view);
            }
            catch (Exception)
            {
                return InternalError;
            }
        }

        [MonoPInvokeCallback(typeof(Release))]
        private static void OnRelease(void* user, void* session)
        {
            try
            {
                GCHandle handle = GCHandle.FromIntPtr((IntPtr)session);
                IWebSocketExtensionSession made = (IWebSocketExtensionSession)handle.Target;
                handle.Free();
                made.Release();
            }
            catch (Exception)
            {
            }
        }
    }
}
