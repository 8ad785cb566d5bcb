using System;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NetDriver.Interop;

/// <summary>
/// Prints where each field of the ABI's structs lies, as C# sees it: "struct.field offset size".
/// tests/c/layout.c prints the same lines from C; equal output is the test.
/// </summary>
internal static class Layout
{
    private static readonly Type[] s_Structs =
    {
        typeof(nd_endpoint),
        typeof(nd_settings),
        typeof(nd_connection_limits),
        typeof(nd_interface_settings),
        typeof(nd_connect_options),
        typeof(nd_tls_identity),
        typeof(nd_tls_client),
        typeof(nd_tls_server),
        typeof(nd_event),
        typeof(nd_send),
        typeof(nd_connection_info),
        typeof(nd_request),
        typeof(nd_driver_statistics),
        typeof(nd_traffic),
        typeof(nd_traffic_statistics),
        typeof(nd_connection_statistics),
        typeof(nd_network_simulator),
        typeof(nd_incoming_packet),
        typeof(nd_outgoing_packet),
        typeof(nd_interface_functions),
        typeof(nd_extension_frame),
        typeof(nd_extension),
        typeof(nd_pipeline_stage),
        typeof(nd_simulator_stage),
        typeof(nd_pipeline_statistics),
        typeof(nd_stage_call),
        typeof(nd_job_scheduler),
        typeof(nd_stage_functions),
        typeof(nd_stream_writer),
        typeof(nd_stream_reader),
    };

    private static int Main()
    {
        foreach (Type type in s_Structs)
        {
            FieldInfo[] fields = type.GetFields(
                BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
            Array.Sort(fields, (a, b) => a.MetadataToken.CompareTo(b.MetadataToken));
            foreach (FieldInfo field in fields)
                Console.WriteLine(type.Name + "." + field.Name + " "
                    + Marshal.OffsetOf(type, field.Name) + " " + SizeOf(field));
            Console.WriteLine(type.Name + " size " + Marshal.SizeOf(type));
        }
        return 0;
    }

    private static int SizeOf(FieldInfo field)
    {
        object[] buffers = field.GetCustomAttributes(typeof(FixedBufferAttribute), false);
        if (buffers.Length > 0)
        {
            FixedBufferAttribute buffer = (FixedBufferAttribute)buffers[0];
            return buffer.Length * Marshal.SizeOf(buffer.ElementType);
        }
        return field.FieldType.IsPointer ? IntPtr.Size : Marshal.SizeOf(field.FieldType);
    }
}
