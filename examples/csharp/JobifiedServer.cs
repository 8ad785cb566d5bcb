using System;
using NetDriver;

/// <summary>
/// A server whose work runs as jobs, as Unity Transport's jobified server: update, accept, one call
/// for each connection on several threads, send.
///
///   mono JobifiedServer.exe [CLIENTS]
///
/// The clients are in the same program; each sends a number and gets it back plus one. The exit
/// code is 0 when all came back. Inside Unity the same methods return Unity's JobHandle.
/// </summary>
internal static class JobifiedServer
{
    // The second job of a frame: the server is its alone.
    private sealed class AcceptConnections : INetworkJob
    {
        internal NetworkDriver Server;

        public void Execute()
        {
            while (Server.Accept().IsCreated)
            {
            }
        }
    }

    // The third: for one connection, while other threads do it for others.
    private sealed class Serve : INetworkJobForEachConnection
    {
        public void Execute(NetworkDriver.Concurrent server, NetworkConnection connection)
        {
            DataStreamReader reader;
            NetworkEvent.Type kind;
            while ((kind = server.PopEventForConnection(connection, out reader))
                != NetworkEvent.Type.Empty)
            {
                DataStreamWriter writer;
                if (kind != NetworkEvent.Type.Data)
                    continue;
                if (server.BeginSend(NetworkPipeline.Null, connection, out writer) != 0)
                    continue;
                writer.WriteUInt(reader.ReadUInt() + 1);
                server.EndSend(writer);
            }
        }
    }

    private static int Main(string[] arguments)
    {
        int clients = arguments.Length > 0 ? int.Parse(arguments[0]) : 50;
        NetDriverParameter parameter = NetDriverParameter.Default;
        parameter.jobWorkers = 3;
        NetworkDriver server = NetworkDriver.Create(new IPCNetworkInterface(),
            new NetworkSettings().WithNetDriverParameters(parameter));
        NetworkDriver client = NetworkDriver.Create(new IPCNetworkInterface());
        if (server.Bind(NetworkEndpoint.LoopbackIpv4) != 0 || server.Listen() != 0)
            return 1;
        for (int i = 0; i < clients; i++)
            client.Connect(server.GetLocalEndpoint());

        AcceptConnections accept = new AcceptConnections { Server = server };
        Serve serve = new Serve();
        int served = 0;
        for (int frame = 0; served < clients && frame < 100000; frame++)
        {
            // Each job begins when the one before it is done.
            JobHandle job = server.ScheduleUpdate();
            job = server.ScheduleJob(accept, job);
            job = server.ScheduleForEachConnection(serve, 1, job);
            job = server.ScheduleFlushSend(job);
            served += Play(client);
            // Before the next frame; from here on the server may be touched again.
            int result = job.Complete();
            if (result != 0)
                Console.WriteLine("a frame failed: " + (NetDriver.Error.StatusCode)result);
        }
        Console.WriteLine(served + " of " + clients + " clients were served");
        client.Dispose();
        server.Dispose();
        return served == clients ? 0 : 1;
    }

    private static int Play(NetworkDriver client)
    {
        int served = 0;
        client.ScheduleUpdate().Complete();
        NetworkConnection connection;
        DataStreamReader reader;
        NetworkEvent.Type kind;
        while ((kind = client.PopEvent(out connection, out reader)) != NetworkEvent.Type.Empty)
        {
            DataStreamWriter writer;
            if (kind == NetworkEvent.Type.Data && reader.ReadUInt() == 4712)
                served++;
            if (kind != NetworkEvent.Type.Connect
                || client.BeginSend(NetworkPipeline.Null, connection, out writer) != 0)
                continue;
            writer.WriteUInt(4711);
            client.EndSend(writer);
        }
        client.ScheduleFlushSend().Complete();
        return served;
    }
}
