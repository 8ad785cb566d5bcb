using NetDriver;
using Unity.Collections;
using Unity.Jobs;
using DataStreamReader = NetDriver.DataStreamReader;

/// <summary>
/// The library as a program in Unity uses it, against a stand-in for Unity. Ends with 0 when all of
/// it did what it should.
/// </summary>
internal static class UnityProgram
{
    private static int Main()
    {
        JobSystem.Start();
        try
        {
            WorkOfClasses.Run();
            StructsOfJobs.Run();
            SampleScene.Run();
            StreamsAndPayloads.Run();
#if NETDRIVER_COLLECTIONS
            MovedProject.Run();
            MemberTable.Run();
#endif
        }
        finally
        {
            JobSystem.Stop();
        }
        foreach (string error in UnityEngine.Debug.Errors)
            Checks.That(false, error);
        Checks.That(Container.LiveCount == 0, Container.LiveCount + " containers not disposed");
        return Checks.Close();
    }
}

/// <summary>A server in the same process and clients of one driver, all accepted.</summary>
internal sealed class Party : System.IDisposable
{
    private const int FramesMax = 10000;

    internal readonly NetworkDriver Server = NetworkDriver.Create(new IPCNetworkInterface());
    internal readonly NetworkDriver Client = NetworkDriver.Create(new IPCNetworkInterface());
    internal readonly NetworkConnection[] Ours;
    internal readonly NetworkConnection[] Theirs;

    internal Party(int clients)
    {
        Server.Bind(NetworkEndpoint.LoopbackIpv4);
        Server.Listen();
        Ours = new NetworkConnection[clients];
        Theirs = new NetworkConnection[clients];
        for (int i = 0; i < clients; i++)
        {
            Theirs[i] = Client.Connect(Server.GetLocalEndpoint());
            NetworkConnection accepted = default(NetworkConnection);
            for (int frame = 0; frame < FramesMax && !accepted.IsCreated; frame++)
            {
                Update();
                accepted = Server.Accept();
            }
            Ours[i] = accepted;
        }
        Update();
        NetworkConnection connection;
        DataStreamReader reader;
        while (Client.PopEvent(out connection, out reader) != NetworkEvent.Type.Empty)
        {
        }
    }

    internal void Update()
    {
        Client.ScheduleUpdate().Complete();
        Server.ScheduleUpdate().Complete();
    }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
    }
}
