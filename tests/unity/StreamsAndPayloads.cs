using System;
using NetDriver;
using Unity.Collections;
using DataStreamReader = NetDriver.DataStreamReader;
using DataStreamWriter = NetDriver.DataStreamWriter;

/// <summary>Bytes in Unity's arrays.</summary>
internal static class StreamsAndPayloads
{
    internal static void Run()
    {
        StreamsAreOverArrays();
        PayloadsAreArrays();
        PayloadsAreBytesToo();
    }

    private static void PayloadsAreBytesToo()
    {
        byte[] tooLong = new byte[2000];
        NetworkEndpoint endpoint = NetworkEndpoint.LoopbackIpv4.WithPort(1);
        using (NetworkDriver driver = NetworkDriver.Create(new IPCNetworkInterface()))
        using (MultiNetworkDriver drivers = MultiNetworkDriver.Create())
        {
            int id = drivers.AddDriver(NetworkDriver.Create(new IPCNetworkInterface()));
            Checks.That(driver.SetAcceptPayload(new byte[2]) == 0
                && driver.SetAcceptPayload(null) == 0, "of the acceptance");
            Checks.That(driver.SetAcceptPayload(tooLong) != 0, "the bytes are looked at");
            Checks.That(driver.Connect(endpoint, new byte[2]).IsCreated
                && driver.Connect(endpoint, null).IsCreated, "an endpoint");
            Checks.That(driver.Connect("127.0.0.1", 1, new byte[2]).IsCreated, "a host");
            Checks.That(!driver.Connect(endpoint, tooLong).IsCreated
                && !driver.Connect("127.0.0.1", 1, tooLong).IsCreated, "too long");
            Checks.That(drivers.Connect(id, endpoint, new byte[2]).IsCreated
                && drivers.Connect(id, "127.0.0.1", 1, new byte[2]).IsCreated, "of several");
            Checks.That(!drivers.Connect(id, endpoint, tooLong).IsCreated
                && !drivers.Connect(id, "127.0.0.1", 1, tooLong).IsCreated, "of several: too long");
        }
    }

    private static void StreamsAreOverArrays()
    {
        DataStreamWriter writer = new DataStreamWriter(16, Allocator.Temp);
        writer.WritePackedUInt(1979, StreamCompressionModel.Default);
        writer.WriteFixedString32("snö");
        NativeArray<byte> written = writer.AsNativeArray();
        Checks.That(written.Length == 9, "length " + written.Length);
        DataStreamReader reader = new DataStreamReader(written);
        Checks.That(reader.ReadPackedUInt(StreamCompressionModel.Default) == 1979, "packed");
        Checks.That(reader.ReadFixedString32() == "snö", "text");
        Checks.Refused(() => new DataStreamWriter(1, Allocator.Persistent), "Temp", "allocator");
        using (NativeArray<byte> memory = new NativeArray<byte>(4, Allocator.Persistent))
        using (NativeArray<byte> copy = new NativeArray<byte>(4, Allocator.Persistent))
        {
            writer = new DataStreamWriter(memory);
            Checks.That(writer.WriteUInt(0x01020304) && !writer.WriteByte(0), "as much as fits");
            new DataStreamReader(memory).ReadBytes(copy);
            Checks.That(copy[0] == 4 && copy[3] == 1, "little endian");
            writer.Clear();
            Checks.That(writer.WriteBytes(copy) && writer.Length == 4, "bytes");
        }
    }

    private static void PayloadsAreArrays()
    {
        using (NetworkSettings settings = new NetworkSettings(Allocator.Temp))
        using (NativeArray<byte> hello = new NativeArray<byte>(
            new byte[] { 7, 8 }, Allocator.Persistent))
        using (NetworkDriver server = NetworkDriver.Create(new IPCNetworkInterface(), settings))
        using (NetworkDriver client = NetworkDriver.Create(new IPCNetworkInterface()))
        {
            server.SetAcceptPayload(hello);
            server.Bind(NetworkEndpoint.LoopbackIpv4);
            server.Listen();
            client.Connect(server.GetLocalEndpoint(), hello);
            NetworkConnection accepted = default(NetworkConnection);
            NetworkEvent.Type kind = NetworkEvent.Type.Empty;
            for (int frame = 0; frame < 10000 && kind == NetworkEvent.Type.Empty; frame++)
            {
                client.ScheduleUpdate().Complete();
                server.ScheduleUpdate().Complete();
                NativeArray<byte> payload;
                NetworkConnection found = server.Accept(out payload);
                if (found.IsCreated)
                {
                    accepted = found;
                    Checks.That(payload.Length == 2 && payload[1] == 8, "of Connect");
                }
                NetworkConnection connection;
                DataStreamReader reader;
                kind = client.PopEvent(out connection, out reader);
                if (kind == NetworkEvent.Type.Connect)
                    Checks.That(reader.Length == 2 && reader.ReadByte() == 7, "of the acceptance");
            }
            Checks.That(accepted.IsCreated && kind == NetworkEvent.Type.Connect, "connected");
        }
    }
}
